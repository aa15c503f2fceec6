-- Sessions by reporter
-- Per submitter: the sessions it reports, and how well it is authenticated.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    submitter_domain,
    sum(sessions)::bigint as sessions,
    sum(authenticated)::bigint as authenticated,
    sum(failed)::bigint as failed,
    sum(unprotected)::bigint as unprotected,
    sum(authenticated) filter (rated) / nullif(sum(sessions) filter (rated), 0) as success_rate,
    count(distinct report_domain) as domains,
    count(distinct report_day) as days,
    min(report_day) as first_day,
    max(report_day) as last_day,
    list_sort(list(distinct trust_tier)) as trust_tiers
from settings.session_sums('reporter', 'paired')
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by submitter_domain
order by sessions desc, submitter_domain;
