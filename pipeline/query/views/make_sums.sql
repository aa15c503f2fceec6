-- The sums of one month in every grain that sums.sql reads.
with failed as materialized (
    select
        report_day, report_domain, submitter_domain, trust_tier, result_type, any_value(result_group) as result_group,
        sum(mentions)::bigint as mentions
    from mentions
    group by report_day, report_domain, submitter_domain, trust_tier, result_type
),

added as materialized (
    select
        case grouping(report_domain, submitter_domain) when 0 then 'fine' when 2 then 'reporter' else 'domain' end as grain,
        report_day, report_domain, submitter_domain, trust_tier, policy_type, rated,
        sum(sessions)::bigint as sessions,
        sum(authenticated)::bigint as authenticated,
        sum(failed)::bigint as failed,
        sum(unprotected)::bigint as unprotected,
        sum(sts_success)::bigint as sts_success,
        sum(sts_failure)::bigint as sts_failure,
        sum(tlsa_success)::bigint as tlsa_success,
        sum(tlsa_failure)::bigint as tlsa_failure
    from session_parts
    group by
        grouping sets (
            (report_day, report_domain, submitter_domain, trust_tier, policy_type, rated),
            (report_day, submitter_domain, trust_tier, policy_type, rated),
            (report_day, report_domain, trust_tier, rated)
        )
),

-- What adds nothing stands on a day on which there is something of its name, and has 0 in every sum.
named as (
    select min(report_day) as report_day, report_domain, trust_tier, 0 as sessions
    from added
    where grain = 'fine'
    group by report_domain, trust_tier
),

paired as (
    select min(report_day) as report_day, report_domain, submitter_domain, trust_tier, 0 as sessions
    from added
    where grain = 'fine'
    group by report_domain, submitter_domain, trust_tier
),

failed_of_all as (
    select report_day, submitter_domain, trust_tier, result_type, any_value(result_group) as result_group, sum(mentions)::bigint as mentions
    from failed
    group by report_day, submitter_domain, trust_tier, result_type
),

graded as (
    select * from added
    union all by name
    select 'named' as grain, * from named
    union all by name
    select 'paired' as grain, * from paired
    union all by name
    select 'failed of domain' as grain, * from failed
    union all by name
    select 'failed' as grain, * from failed_of_all
)

select
    grain, report_day, report_domain, submitter_domain, trust_tier, policy_type,
    coalesce(sessions, 0)::bigint as sessions,
    coalesce(authenticated, 0)::bigint as authenticated,
    coalesce(failed, 0)::bigint as failed,
    coalesce(unprotected, 0)::bigint as unprotected,
    coalesce(sts_success, 0)::bigint as sts_success,
    coalesce(sts_failure, 0)::bigint as sts_failure,
    coalesce(tlsa_success, 0)::bigint as tlsa_success,
    coalesce(tlsa_failure, 0)::bigint as tlsa_failure,
    rated, result_type, result_group, mentions
from graded
order by grain, report_domain, report_day;
