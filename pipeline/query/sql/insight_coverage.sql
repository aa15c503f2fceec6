-- How often each reporter reports on each domain, and when it last did
-- The usual step between report days, the longest one, and the last day, per reporter and domain.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): the domain asked for; null for all
with reported_days as (
    select
        report_domain,
        submitter_domain,
        report_day,
        sum(success_count + failure_count) filter (where not repeats_sessions) as sessions
    from counted_policies
    where report_day between $since and $until
        and ($domain is null or report_domain = $domain)
    group by report_domain, submitter_domain, report_day
),
steps as (
    select
        report_domain,
        submitter_domain,
        report_day,
        sessions,
        report_day - lag(report_day) over (partition by report_domain, submitter_domain order by report_day) as step
    from reported_days
)
select
    report_domain,
    submitter_domain,
    count(*) as days,
    min(report_day) as first_day,
    max(report_day) as last_day,
    median(step) as usual_step,
    quantile_disc(step, 0.95) as long_step,
    max(step) as longest_step,
    sum(sessions)::bigint as sessions
from steps
group by report_domain, submitter_domain
order by report_domain, submitter_domain;
