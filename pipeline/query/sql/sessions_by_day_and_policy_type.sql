-- Sessions by day and policy type
-- Per UTC day what sts and tlsa policies say on their own; the two describe the same sessions where a sender knows both, so they are not added up.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- as_of (DATE): the as-of date; days after the second day before it may still get reports
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
with typed as (
    select
        report_day,
        policy_type,
        sum(sts_success + tlsa_success) as succeeded,
        sum(sts_failure + tlsa_failure) as failed,
        sum(unprotected) as unprotected
    from settings.session_sums('reporter', 'named')
    where report_day between $since and $until
        and ($domain is null or report_domain = $domain)
        and ($tiers is null or list_contains($tiers, trust_tier))
    group by report_day, policy_type
)
select
    report_day,
    policy_type,
    (succeeded + failed + unprotected)::bigint as sessions,
    succeeded::bigint as succeeded,
    failed::bigint as failed,
    unprotected::bigint as unprotected,
    succeeded / nullif(succeeded + failed, 0) as success_rate,
    report_day > $as_of - 2 as incomplete
from typed
where policy_type in ('sts', 'tlsa', 'no-policy-found')
order by report_day, policy_type;
