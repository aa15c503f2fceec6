-- MTA-STS policies that senders applied, one row per sender and text, with the text
-- One row per sender and policy text, with the text itself, and when that sender applied it.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- domains (VARCHAR[] = null): the domains asked for, where they are several; null for all
select
    report_domain,
    submitter_domain,
    policy_hash,
    min(report_day) as first_day,
    max(report_day) as last_day,
    count(distinct report_day) as days,
    sum(success_count + failure_count)::bigint as sessions,
    coalesce(sum(success_count + failure_count) filter (where report_day > $until::date - 3), 0)::bigint as sessions_last_three_days,
    coalesce(sum(success_count + failure_count) filter (where report_day > $until::date - 7), 0)::bigint as sessions_last_seven_days,
    any_value(policy_strings) as policy_strings,
    any_value(sts_mode) as sts_mode,
    any_value(sts_max_age_seconds) as sts_max_age_seconds,
    any_value(case when len(sts_mx) > 0 then sts_mx else mx_host end) as mx_patterns
from settings.told_policies
where report_day between $since and $until
    and policy_type = 'sts'
    and policy_hash is not null
    and ($domain is null or report_domain = $domain)
    and ($domains is null or report_domain in (select unnest($domains)))
group by report_domain, submitter_domain, policy_hash
order by report_domain, first_day, submitter_domain, policy_hash;
