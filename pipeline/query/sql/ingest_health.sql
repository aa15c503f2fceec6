-- Mail received by day and outcome
-- Per mailbox and UTC day of receipt: how many messages, and their outcomes.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
select
    account,
    folder,
    utc_day(received_at) as received_day,
    outcome,
    count(*) as messages,
    sum(size_bytes)::bigint as size_bytes,
    max(ingested_at) as last_ingested_at
from messages
where utc_day(received_at) between $since and $until
group by account, folder, received_day, outcome
order by received_day, account, folder, outcome;
