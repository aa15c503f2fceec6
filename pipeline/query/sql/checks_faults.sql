-- Faults found by checks, and when they were resolved
-- One row per domain and fault of what it publishes: when a check last found it, and the first check after that one; a domain without faults has one row.
-- domain (VARCHAR = null): one domain; null for all
-- checked_until (DATE = null): leave out later checks; null: none
with kept as (
    select
        domain,
        checked_at,
        check_name,
        code,
        place,
        what,
        severity,
        expires_at,
        certificate_sha256
    from checks
    where
        ($domain is null or domain = $domain)
        and ($checked_until is null or cast(checked_at as date) <= $checked_until)
),

looks as (
    select distinct
        domain,
        checked_at
    from kept
),

followed as (
    select
        domain,
        checked_at,
        lead(checked_at) over (partition by domain order by checked_at) as next_checked_at,
        max(checked_at) over (partition by domain) as last_checked_at
    from looks
),

faults as (
    select
        domain,
        check_name,
        code,
        place,
        max(checked_at) as checked_at,
        max_by(what, checked_at) as what,
        max_by(severity, checked_at) as severity,
        max_by(expires_at, checked_at) as expires_at,
        max_by(certificate_sha256, checked_at) as certificate_sha256
    from kept
    where severity <> 'ok'
    group by domain, check_name, code, place
)

select
    followed.domain,
    check_name,
    code,
    place,
    what,
    severity,
    expires_at,
    certificate_sha256,
    followed.checked_at as found_at,
    next_checked_at as gone_at,
    last_checked_at
from followed
left join faults
    on followed.domain = faults.domain and followed.checked_at = faults.checked_at
where code is not null or followed.checked_at = last_checked_at
order by followed.domain, check_name, code, place;
