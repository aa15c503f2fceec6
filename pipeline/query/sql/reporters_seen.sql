-- All reporters ever seen
-- Per submitter: its reports of any day (of several versions the one that may count), how many of them count, and when the first came. The names of reporters that do not count are unverified.
select
    submitter_domain,
    count(*) as reports,
    count(*) filter (where counted) as counted,
    min(received_at) as first_received_at,
    max(report_day) as last_day
from reports
where report_key not in (select report_key from superseded)
group by submitter_domain
order by reports desc, submitter_domain;
