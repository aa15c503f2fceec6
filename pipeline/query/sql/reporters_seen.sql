-- All reporters ever seen
-- Per submitter: its reports of any day (of several versions the one that may count), how many of them count, on how many days, and when the first came. The names of reporters that do not count are unverified.
select
    submitter_domain,
    count(*) as reports,
    count(*) filter (where counted) as counted,
    count(distinct report_day) as days,
    min(received_at) as first_received_at,
    min(report_day) as first_day,
    max(report_day) as last_day
from reports
where report_key not in (select report_key from settings.replaced)
group by submitter_domain
order by reports desc, submitter_domain;
