-- Hours from the end of the reporting period until the report was there, by reporter
-- How late reports come, per reporter, and when the last one came.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
select
    submitter_domain,
    round(median(epoch(received_at) - epoch(window_end)) / 3600, 1) as lag_hours,
    max(received_at) as last_received_at
from reports
where report_day between $since and $until
    and counted
group by submitter_domain
order by submitter_domain;
