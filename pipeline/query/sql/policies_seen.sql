-- Policies seen
-- The policies senders applied, one row per domain, type and text: mode, max_age, MX patterns, who held it, from when to when.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    report_domain,
    policy_type,
    policy_hash,
    any_value(sts_mode) as sts_mode,
    any_value(sts_max_age_seconds) as sts_max_age_seconds,
    any_value(if(len(sts_mx) > 0, sts_mx, mx_host)) as mx_patterns,
    any_value(policy_strings) as policy_strings,
    min(report_day) as first_day,
    max(report_day) as last_day,
    count(distinct report_day) as days,
    count(distinct submitter_domain) as reporters,
    list_sort(list(distinct submitter_domain))[:20] as first_reporters,
    sum(success_count + failure_count)::bigint as sessions,
    sum(failure_count)::bigint as failed
from counted_policies
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by report_domain, policy_type, policy_hash
order by report_domain, policy_type, last_day desc, sessions desc, policy_hash nulls last;
