-- Changes to published records
-- One row per domain and check that saw another policy, id, MX host or TLSA record than the one before: marks on a trend.
-- What a check could not look at is not a change; the next one that could is held against the last that could.
-- since (DATE): first day, inclusive
-- until (DATE): last day, inclusive
-- domain (VARCHAR = null): one report domain; null for all
with looks as (
    select
        domain,
        checked_at,
        case when not bool_or(severity = 'unknown' and check_name = 'sts-record') then coalesce(any_value(sts_id), '') end as sts_id,
        case
            when len(any_value(policy_lines)) > 0 or not bool_or(severity = 'unknown' and check_name in ('sts-record', 'sts-policy'))
                then any_value(policy_lines)
        end as policy_lines,
        any_value(mx_hosts) as mx_hosts,
        any_value(tlsa_records) as tlsa_records
    from checks
    where $domain is null or domain = $domain
    group by domain, checked_at
),

compared as (
    select
        domain,
        checked_at,
        lag(checked_at) over earlier as checked_before,
        coalesce(sts_id <> lag(sts_id ignore nulls) over earlier, false) as id_changed,
        coalesce(policy_lines <> lag(policy_lines ignore nulls) over earlier, false) as policy_changed,
        list_sort(mx_hosts) <> list_sort(lag(mx_hosts) over earlier) as mx_changed,
        tlsa_records <> lag(tlsa_records) over earlier as tlsa_changed
    from looks
    window earlier as (partition by domain order by checked_at)
)

select
    domain,
    checked_at,
    cast(checked_at as date) as changed_day,
    checked_before,
    policy_changed,
    id_changed,
    mx_changed,
    tlsa_changed
from compared
where
    checked_before is not null
    and (policy_changed or id_changed or mx_changed or tlsa_changed)
    and cast(checked_at as date) between $since and $until
order by checked_at, domain;
