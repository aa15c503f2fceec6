-- Runs of ingest
-- One row per run that stored anything: when, from which mailboxes, how many messages, their outcomes. The period is that of the run.
-- at_most (BIGINT = 50): how many runs, newest first
select
    run_id,
    min(ingested_at) as first_ingested_at,
    max(ingested_at) as last_ingested_at,
    list_sort(list(distinct account)) as accounts,
    count(*) as messages,
    count(*) filter (outcome = 'stored') as stored,
    count(*) filter (outcome = 'duplicate') as duplicates,
    count(*) filter (outcome = 'conflict') as conflicts,
    count(*) filter (outcome = 'quarantined') as quarantined,
    count(*) filter (outcome = 'not_tlsrpt') as not_tlsrpt,
    count(*) filter (outcome = 'too_large') as too_large,
    any_value(parser_version) as parser_version
from messages
group by run_id
order by last_ingested_at desc, run_id
limit $at_most;
