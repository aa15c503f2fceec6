-- JSON members outside the standard by reporter
-- Per submitter and member path: in how many of its reports; a new member may be news.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
select
    submitter_domain,
    member,
    count(*) as reports,
    min(report_day) as first_day,
    max(report_day) as last_day
from (
    select submitter_domain, report_day, unnest(unknown_members) as member
    from reports
    where report_day between $since and $until
)
group by submitter_domain, member
order by submitter_domain, reports desc, member;
