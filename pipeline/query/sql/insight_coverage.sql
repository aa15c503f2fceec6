-- Reporting interval and last report by reporter and domain
-- The usual interval between report days, the longest ones, the last day and the usual lag, per reporter and domain.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): the domain asked for; null for all
with pairs as (
    select
        report_domain,
        submitter_domain,
        list_sort(list_distinct(list(report_day))) as report_days,
        sum(sessions)::bigint as sessions
    from session_parts
    where report_day between $since and $until
        and ($domain is null or report_domain = $domain)
    group by report_domain, submitter_domain
),
steps as (
    select
        *,
        list_transform(range(1, len(report_days)), lambda n: report_days[n + 1] - report_days[n]) as step
    from pairs
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
    len(steps.report_days) as days,
    steps.report_days[1] as first_day,
    steps.report_days[-1] as last_day,
    list_aggregate(steps.step, 'median') as usual_step,
    list_max(steps.step) as longest_step,
    steps.sessions,
    lags.lag_hours
from steps
left join lags using (submitter_domain)
order by steps.report_domain, steps.sessions desc, steps.submitter_domain;
