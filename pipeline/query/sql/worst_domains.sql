-- Domains by failed sessions
-- Report domains with failed sessions, by how many failed, with what failed most.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
-- at_most (BIGINT = 10): how many domains
with sums as (
    select
        report_domain,
        sum(sessions)::bigint as sessions,
        sum(authenticated)::bigint as authenticated,
        sum(failed)::bigint as failed,
        sum(unprotected)::bigint as unprotected,
        sum(authenticated) filter (rated) / nullif(sum(sessions) filter (rated), 0) as success_rate,
        count(distinct submitter_domain) filter (failed > 0) as reporters_failing
    from session_parts
    where report_day between $since and $until
        and ($tiers is null or list_contains($tiers, trust_tier))
    group by report_domain
    having sum(failed) > 0
    order by sum(failed) desc, report_domain
    limit $at_most
),
types as (
    select report_domain, result_type, sum(mentions) as mentions, max(report_day) as last_day
    from mentions
    where report_day between $since and $until
        and ($tiers is null or list_contains($tiers, trust_tier))
        and report_domain in (select report_domain from sums)
    group by report_domain, result_type
),
main_types as (
    select report_domain, arg_max(result_type, (mentions, result_type)) as leading_result_type, max(last_day) as last_failed_day
    from types
    group by report_domain
)
select sums.*, main_types.leading_result_type, main_types.last_failed_day
from sums
left join main_types on main_types.report_domain = sums.report_domain
order by sums.failed desc, sums.report_domain;
