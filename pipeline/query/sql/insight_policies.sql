-- MTA-STS policies that senders applied, one row per domain and text
-- One row per domain and policy text, with its mode, max_age and mx patterns, and when it was applied.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domains (VARCHAR[]): the domains asked for
select
    report_domain,
    policy_hash,
    min(report_day) as first_day,
    max(report_day) as last_day,
    sum(success_count + failure_count)::bigint as sessions,
    coalesce(sum(success_count + failure_count) filter (where report_day > $until::date - 3), 0)::bigint as sessions_last_three_days,
    any_value(sts_mode) as sts_mode,
    any_value(sts_max_age_seconds) as sts_max_age_seconds,
    any_value(case when len(sts_mx) > 0 then sts_mx else mx_host end) as mx_patterns
from settings.told_policies
where report_day between $since and $until
    and stands
    and policy_type = 'sts'
    and policy_hash is not null
    and report_domain in (select unnest($domains))
group by report_domain, policy_hash
order by report_domain, first_day, policy_hash;
