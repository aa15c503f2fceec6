-- Changes to published records
-- One row per domain and check that saw another policy, id, TLSRPT record, MX host or TLSA record than the one before, with both: marks on a
-- trend, and what a notice tells.
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
        case when not bool_or(severity = 'unknown' and code = 'tlsrpt-record-not-checked') then coalesce(any_value(tlsrpt_record), '') end
            as tlsrpt_record,
        list_sort(any_value(mx_hosts)) as mx_hosts,
        list_sort(any_value(tlsa_records)) as tlsa_records
    from checks
    where $domain is null or domain = $domain
    group by domain, checked_at
),

paired as (
    select
        *,
        lag(checked_at) over earlier as checked_before,
        lag(sts_id ignore nulls) over earlier as sts_id_before,
        lag(policy_lines ignore nulls) over earlier as policy_lines_before,
        lag(tlsrpt_record ignore nulls) over earlier as tlsrpt_record_before,
        lag(mx_hosts) over earlier as mx_hosts_before,
        lag(tlsa_records) over earlier as tlsa_records_before
    from looks
    window earlier as (partition by domain order by checked_at)
),

compared as (
    select
        *,
        coalesce(sts_id <> sts_id_before, false) as id_changed,
        coalesce(policy_lines <> policy_lines_before, false) as policy_changed,
        coalesce(tlsrpt_record <> tlsrpt_record_before, false) as tlsrpt_changed,
        mx_hosts <> mx_hosts_before as mx_changed,
        tlsa_records <> tlsa_records_before as tlsa_changed
    from paired
)

select
    domain,
    checked_at,
    cast(checked_at as date) as changed_day,
    checked_before,
    policy_changed,
    id_changed,
    tlsrpt_changed,
    mx_changed,
    tlsa_changed,
    policy_lines,
    policy_lines_before,
    sts_id,
    sts_id_before,
    tlsrpt_record,
    tlsrpt_record_before,
    mx_hosts,
    mx_hosts_before,
    tlsa_records,
    tlsa_records_before
from compared
where
    checked_before is not null
    and (policy_changed or id_changed or tlsrpt_changed or mx_changed or tlsa_changed)
    and cast(checked_at as date) between $since and $until
order by checked_at, domain;
