-- Sessions over authenticated TLS
-- One row for the whole period: the headline rate is authenticated over sessions of those who report good days, too; sts and tlsa have their own.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- as_of (DATE): the as-of date; days after the second day before it may still get reports
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    coalesce(sum(sessions), 0)::bigint as sessions,
    coalesce(sum(authenticated), 0)::bigint as authenticated,
    coalesce(sum(failed), 0)::bigint as failed,
    coalesce(sum(unprotected), 0)::bigint as unprotected,
    sum(authenticated) filter (rated) / nullif(sum(sessions) filter (rated), 0) as success_rate,
    sum(sts_success) filter (rated) / nullif(sum(sts_success + sts_failure) filter (rated), 0) as sts_success_rate,
    sum(tlsa_success) filter (rated) / nullif(sum(tlsa_success + tlsa_failure) filter (rated), 0) as tlsa_success_rate,
    coalesce(sum(sessions) filter (rated), 0)::bigint as rated_sessions,
    count(distinct report_domain) as domains,
    count(distinct submitter_domain) as reporters,
    count(distinct report_day) as days,
    count(distinct report_day) filter (report_day <= $as_of - 2) as complete_days
from settings.session_sums('reporter', 'named')
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
order by sessions;
