-- Reporting habits by reporter and domain
-- Reporters with habits: failures only (no rate takes them), report loop (no evidence), several reports a day, host reports, unsure (which rows are the same sessions).
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
with pairs as (
    select
        submitter_domain,
        report_domain,
        min(report_day) as first_day,
        max(report_day) as last_day,
        count(distinct report_key) as reports,
        sum(sessions)::bigint as sessions,
        sum(failed)::bigint as failed,
        sum(told_at_host)::bigint as told_at_host,
        coalesce(sum(tlsa_failure) filter (where told_at_host > 0), 0)::bigint as failed_at_host,
        sum(unsure_sessions)::bigint as unsure_sessions,
        bool_and(rated) as rated
    from session_parts
    where report_day between $since and $until
        and ($domain is null or report_domain = $domain)
    group by submitter_domain, report_domain
),

named as (
    select
        * exclude (rated),
        list_filter(
            [
                if(not rated, 'failures only', null),
                if(settings.is_loop(submitter_domain, report_domain), 'report loop', null),
                if(reports >= 1.5 * (last_day - first_day + 1), 'several reports a day', null),
                if(told_at_host > 0, 'host reports', null),
                if(unsure_sessions > 0, 'unsure', null)
            ],
            lambda habit: habit is not null
        ) as habits
    from pairs
)

select
    submitter_domain,
    report_domain,
    habits,
    first_day,
    last_day,
    reports,
    sessions,
    failed,
    told_at_host,
    failed_at_host,
    unsure_sessions
from named
where len(habits) > 0
order by sessions desc, submitter_domain, report_domain;
