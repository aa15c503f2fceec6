-- How often each reporter reports on each domain, and when it last did
-- The usual step between report days, the longest ones, the last day and the usual lag, per reporter and domain.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): the domain asked for; null for all
with reported_days as (
    select
        report_domain,
        submitter_domain,
        report_day,
        sum(sessions) as sessions
    from session_parts
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
),
lags as (
    select
        submitter_domain,
        round(median(epoch(received_at) - epoch(window_end)) / 3600, 1) as lag_hours
    from reports
    where report_day between $since and $until
        and counted
        and ($domain is null or list_contains(report_domains, $domain))
    group by submitter_domain
)
select
    steps.report_domain,
    steps.submitter_domain,
    count(*) as days,
    min(steps.report_day) as first_day,
    max(steps.report_day) as last_day,
    median(steps.step) as usual_step,
    max(steps.step) as longest_step,
    sum(steps.sessions)::bigint as sessions,
    any_value(lags.lag_hours) as lag_hours
from steps
left join lags using (submitter_domain)
group by steps.report_domain, steps.submitter_domain
order by steps.report_domain, steps.submitter_domain;
