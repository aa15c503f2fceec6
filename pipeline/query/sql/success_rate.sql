-- Sessions over authenticated TLS
-- One row for the whole period: the headline rate is authenticated over all sessions; sts and tlsa have rates of their own.
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
    sum(authenticated) / nullif(sum(sessions), 0) as success_rate,
    sum(sts_success) / nullif(sum(sts_success) + sum(sts_failure), 0) as sts_success_rate,
    sum(tlsa_success) / nullif(sum(tlsa_success) + sum(tlsa_failure), 0) as tlsa_success_rate,
    count(distinct report_domain) as domains,
    count(distinct submitter_domain) as reporters,
    count(distinct report_day) as days,
    count(distinct report_day) filter (report_day <= $as_of - 2) as complete_days
from session_parts
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
order by sessions;
