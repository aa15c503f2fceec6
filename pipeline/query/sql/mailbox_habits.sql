-- Mail frequency by mailbox
-- One row per account mail was fetched from: days with mail, the longest usual gap between two of them, and when something new was last found.
-- A gap is usual when at least nineteen of twenty are no longer.
with days as (
    select account, utc_day(received_at) as received_day, max(ingested_at) as last_ingested_at
    from messages
    where account not in ('file', 'spool', 'posted')
    group by account, received_day
),
gaps as (
    select *, received_day - lag(received_day) over (partition by account order by received_day) as gap_days
    from days
)
select
    account,
    count(*) as days,
    quantile_disc(gap_days, 0.95) as usual_gap_days,
    max(received_day) as last_received_day,
    max(last_ingested_at) as last_found_at
from gaps
group by account
order by account;
