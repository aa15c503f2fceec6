-- Domains and reporters to choose from
-- Every report domain and every submitter of counted reports in the period, with its sessions, busiest first.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
with chosen as (
    select report_domain, submitter_domain, sessions
    from session_parts
    where report_day between $since and $until
)
select 'domain' as kind, report_domain as name, sum(sessions)::bigint as sessions
from chosen
group by report_domain
union all
select 'reporter' as kind, submitter_domain as name, sum(sessions)::bigint as sessions
from chosen
group by submitter_domain
order by kind, sessions desc, name;
