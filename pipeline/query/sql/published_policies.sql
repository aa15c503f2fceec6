-- Policies that checks found
-- One row per run of checks of a domain that read the same policy: when it was first and last read, and when a check first read another instead.
-- domain (VARCHAR = null): one domain; null for all
-- checked_until (DATE = null): leave out later checks; null: none
with looks as (
    select
        domain,
        checked_at,
        any_value(policy_lines) as policy_lines
    from checks
    where
        ($domain is null or domain = $domain)
        and ($checked_until is null or cast(checked_at as date) <= $checked_until)
    group by domain, checked_at
),

-- A look that could not read the policy says nothing about a change.
marked as (
    select
        domain,
        checked_at,
        policy_lines,
        coalesce(policy_lines <> lag(policy_lines) over (partition by domain order by checked_at), true) as is_first
    from looks
    where len(policy_lines) > 0
),

numbered as (
    select
        domain,
        checked_at,
        policy_lines,
        sum(cast(is_first as integer)) over (partition by domain order by checked_at) as run
    from marked
)

select
    domain,
    any_value(policy_lines) as policy_lines,
    min(checked_at) as first_checked_at,
    max(checked_at) as last_checked_at,
    lead(min(checked_at)) over (partition by domain order by run) as replaced_at
from numbered
group by domain, run
order by domain, first_checked_at;
