-- Published at the last check, by domain
-- The documents of the last check of each domain, how many findings it had, and since when policy and TLSA records are published as they are now.
-- MX hosts and TLSA records that could not be looked at are those of the look before, and mx_seen_at and tlsa_seen_at say when they were seen;
-- known_ columns are what the last look that could see it saw; read_ columns are the id and the policy last read together.
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
        bool_or(severity = 'unknown' and check_name = 'sts-record') as id_unseen,
        bool_or(severity = 'unknown' and check_name in ('sts-record', 'sts-policy')) as policy_unseen,
        bool_or(severity = 'unknown' and code = 'tlsrpt-record-not-checked') as tlsrpt_unseen,
        bool_or(severity = 'unknown' and code = 'mx-not-checked' and check_name = 'mx') as mx_unseen,
        bool_or(severity = 'unknown' and code in ('mx-not-checked', 'tlsa-not-checked') and check_name in ('mx', 'tlsa')) as tlsa_unseen,
        count(*) filter (where severity = 'error') as errors,
        count(*) filter (where severity = 'warn') as warn,
        count(*) filter (where severity = 'unknown') as unknown,
        min(expires_at) as first_expires_at
    from checks
    where $checked_until is null or cast(checked_at as date) <= $checked_until
    group by domain, checked_at
),

-- A look that could not read the policy says nothing about a change.
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
),

-- What could not be looked at leaves what was known before, with the time of the look that knew it.
known as (
    select
        domain,
        arg_max_null(sts_id, checked_at) filter (where not id_unseen) as known_sts_id,
        arg_max_null(policy_lines, checked_at) filter (where len(policy_lines) > 0 or not policy_unseen) as known_policy_lines,
        arg_max_null(tlsrpt_record, checked_at) filter (where tlsrpt_record is not null or not tlsrpt_unseen) as known_tlsrpt_record,
        arg_max(sts_id, checked_at) filter (where sts_id is not null and len(policy_lines) > 0) as read_sts_id,
        arg_max(policy_lines, checked_at) filter (where sts_id is not null and len(policy_lines) > 0) as read_policy_lines,
        max(checked_at) filter (where not mx_unseen) as mx_seen_at,
        max(checked_at) filter (where not tlsa_unseen) as tlsa_seen_at
    from looks
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
    known_sts_id,
    known_policy_lines,
    known_tlsrpt_record,
    read_sts_id,
    read_policy_lines,
    mx_seen_at,
    tlsa_seen_at,
    errors,
    warn,
    unknown,
    first_expires_at
from looks
left join since_when using (domain)
left join tlsa_since_when using (domain)
left join known using (domain)
qualify row_number() over (partition by domain order by checked_at desc) = 1
order by domain;
