-- Findings of the last check of each domain
-- Problems with what each domain publishes, worst first: what, where, why, and what to change.
-- domain (VARCHAR = null): one report domain; null for all
-- checked_until (DATE = null): leave out later checks; null: none
with latest as (
    select domain, max(checked_at) as checked_at
    from checks
    where
        ($domain is null or domain = $domain)
        and ($checked_until is null or cast(checked_at as date) <= $checked_until)
    group by domain
)

select
    checks.domain,
    checks.checked_at,
    check_name,
    code,
    severity,
    place,
    what,
    why,
    fix,
    publish,
    expires_at
from checks
inner join latest
    on checks.domain = latest.domain and checks.checked_at = latest.checked_at
order by list_position(['error', 'warn', 'unknown', 'ok'], severity), checks.domain, finding_ix;
