-- Sessions by day
-- Per UTC day: sessions over authenticated TLS, failed, and without a policy; days that may still get reports are marked incomplete.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- as_of (DATE): the as-of date; days after the second day before it may still get reports
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    report_day,
    sum(sessions)::bigint as sessions,
    sum(authenticated)::bigint as authenticated,
    sum(failed)::bigint as failed,
    sum(unprotected)::bigint as unprotected,
    sum(authenticated) filter (rated) / nullif(sum(sessions) filter (rated), 0) as success_rate,
    count(distinct submitter_domain) as reporters,
    report_day > $as_of - 2 as incomplete
from settings.session_sums('reporter', 'named')
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by report_day
order by report_day;
