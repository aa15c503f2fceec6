-- All domains at a glance, worst first
-- Per domain: sessions, share that found a policy, last report, mode and max_age as published (as senders applied them, where not checked), certificate.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
-- own (VARCHAR[] = null): domains that are listed without a report, too
with sums as (
    select
        report_domain,
        sum(sessions)::bigint as sessions,
        sum(authenticated)::bigint as authenticated,
        sum(failed)::bigint as failed,
        sum(unprotected)::bigint as unprotected,
        coalesce(sum(sessions) filter (rated), 0)::bigint as rated_sessions,
        sum(authenticated) filter (rated) / nullif(sum(sessions) filter (rated), 0) as success_rate,
        1 - sum(unprotected) filter (rated) / nullif(sum(sessions) filter (rated), 0) as policy_found,
        max(report_day) as last_day
    from session_parts
    where report_day between $since and $until
        and ($domain is null or report_domain = $domain)
        and ($tiers is null or list_contains($tiers, trust_tier))
    group by report_domain
),

-- Mode and max_age are the first lines of their names (RFC 8461 §3.2).
checked as (
    select
        domain as report_domain,
        checked_at,
        lower(array_to_string(policy_lines, chr(10))) as policy,
        len(policy_lines) > 0 as has_policy
    from checks
    where checked_at::date <= $until and ($domain is null or domain = $domain)
    qualify row_number() over (partition by domain order by checked_at desc, finding_ix asc) = 1
),

findings as (
    select
        checks.domain as report_domain,
        count(*) filter (where severity = 'error') as findings,
        min(expires_at) as expires_at
    from checks
    inner join checked on checks.domain = checked.report_domain and checks.checked_at = checked.checked_at
    group by checks.domain
),

applied as (
    select
        report_domain,
        arg_max(sts_mode, (report_day, policy_hash)) as sts_mode,
        arg_max(sts_max_age_seconds, (report_day, policy_hash)) as sts_max_age_seconds
    from settings.told_policies
    where report_day between $since and $until
        and policy_type = 'sts'
        and policy_hash is not null
        and stands
        and ($domain is null or report_domain = $domain)
    group by report_domain
),

names as (
    select report_domain from sums
    union
    select report_domain from checked
    union
    select unnest($own::varchar[]) as report_domain
)

select
    report_domain,
    coalesce(sessions, 0) as sessions,
    coalesce(authenticated, 0) as authenticated,
    coalesce(failed, 0) as failed,
    coalesce(unprotected, 0) as unprotected,
    coalesce(rated_sessions, 0) as rated_sessions,
    success_rate,
    policy_found,
    last_day,
    case
        when has_policy then nullif(regexp_extract(policy, '(?m)^mode:[ \t]*([a-z]+)', 1), '')
        when checked_at is null then sts_mode
    end as sts_mode,
    case
        when has_policy then nullif(regexp_extract(policy, '(?m)^max_age:[ \t]*([0-9]{1,15})', 1), '')::bigint
        when checked_at is null then sts_max_age_seconds
    end as sts_max_age_seconds,
    date_diff('day', $until::date, expires_at::date) as certificate_days,
    coalesce(findings, 0) as findings,
    checked_at
from names
left join sums using (report_domain)
left join checked using (report_domain)
left join findings using (report_domain)
left join applied using (report_domain)
where report_domain is not null and ($domain is null or report_domain = $domain)
order by coalesce(success_rate = 0, false) desc, failed desc, findings desc, sessions desc, report_domain;
