-- What the lake covers
-- One row: first and last day, reports that no better one has replaced, and when mail was last received and ingested.
with days as (
    select
        min(report_day) as first_day,
        max(report_day) as last_day,
        greatest(count(*) - (select count(distinct report_key) from superseded), 0)::bigint as reports
    from settings.report_rows
),
mail as (
    select
        count(*) as messages,
        max(received_at) as last_received_at,
        min(ingested_at) as first_ingested_at,
        max(ingested_at) as last_ingested_at
    from messages
)
select days.*, mail.*
from days
cross join mail
order by days.reports;
