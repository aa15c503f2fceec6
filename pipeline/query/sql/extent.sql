-- What the lake covers
-- One row: first and last day, reports that no better one has replaced, and when mail was last received and ingested.
select
    min(report_day) as first_day,
    max(report_day) as last_day,
    greatest(count(report_day) - (select count(distinct report_key) from superseded), 0)::bigint as reports,
    count(ingested_at) as messages,
    max(received_at) as last_received_at,
    min(ingested_at) as first_ingested_at,
    max(ingested_at) as last_ingested_at
from settings.moments
order by reports;
