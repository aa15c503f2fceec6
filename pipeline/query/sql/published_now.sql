-- What each domain published when it was last checked
-- The documents of the last check of each domain, how many findings it had, and since when policy and TLSA records are published as they are now.
-- checked_until (DATE = null): leave out later checks; null: none
with looks as (
    select
        domain,
        checked_at,
        any_value(sts_id) as sts_id,
        any_value(policy_lines) as policy_lines,
        any_value(tlsrpt_record) as tlsrpt_record,
        any_value(mx_hosts) as mx_hosts,
        any_value(tlsa_records) as tlsa_records,
        count(*) filter (where severity = 'bad') as bad,
        count(*) filter (where severity = 'warn') as warn,
        count(*) filter (where severity = 'unknown') as unknown,
        min(expires_at) as first_expires_at
    from checks
    where $checked_until is null or cast(checked_at as date) <= $checked_until
    group by domain, checked_at
),

-- A look that could not read the policy says nothing of a change.
changes as (
    select
        domain,
        checked_at,
        coalesce(policy_lines <> lag(policy_lines) over (partition by domain order by checked_at), true) as changed
    from looks
    where len(policy_lines) > 0
),

since_when as (
    select domain, max(checked_at) as policy_since
    from changes
    where changed
    group by domain
),

tlsa_changes as (
    select
        domain,
        checked_at,
        coalesce(tlsa_records <> lag(tlsa_records) over (partition by domain order by checked_at), true) as changed
    from looks
),

tlsa_since_when as (
    select domain, max(checked_at) as tlsa_since
    from tlsa_changes
    where changed
    group by domain
)

select
    domain,
    checked_at,
    sts_id,
    policy_lines,
    policy_since,
    tlsrpt_record,
    mx_hosts,
    tlsa_records,
    tlsa_since,
    bad,
    warn,
    unknown,
    first_expires_at
from looks
left join since_when using (domain)
left join tlsa_since_when using (domain)
qualify row_number() over (partition by domain order by checked_at desc) = 1
order by domain;
