-- Domains and reporters to choose from
-- Every report domain and every submitter of counted reports in the period, with its sessions, busiest first.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
select 'domain' as kind, report_domain as name, sum(sessions)::bigint as sessions
from settings.session_sums('domain', 'paired')
where report_day between $since and $until
group by report_domain
union all
select 'reporter' as kind, submitter_domain as name, sum(sessions)::bigint as sessions
from settings.session_sums('reporter', 'named')
where report_day between $since and $until and submitter_domain is not null
group by submitter_domain
order by kind, sessions desc, name;
