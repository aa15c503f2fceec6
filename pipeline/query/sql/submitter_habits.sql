-- Reporting habits by reporter and domain
-- Reporters with habits: failures only (no rate takes them), report loop (no evidence), several reports a day, host reports, unsure (which rows are the same sessions).
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
with days as (
    select
        submitter_domain,
        report_domain,
        report_day,
        count(*) filter (policy_ix = 0) as reports,
        sum(sessions) as sessions,
        sum(failed) as failed,
        sum(told_at_host) as told_at_host,
        bool_and(rated) as rated
    from session_parts
    where report_day between $since and $until
        and ($domain is null or report_domain = $domain)
    group by submitter_domain, report_domain, report_day
),

pairs as (
    select
        submitter_domain,
        report_domain,
        count(*) as days,
        sum(reports)::bigint as reports,
        sum(sessions)::bigint as sessions,
        sum(failed)::bigint as failed,
        sum(told_at_host)::bigint as told_at_host,
        bool_and(rated) as rated,
        settings.is_loop(submitter_domain, report_domain) as is_loop
    from days
    group by submitter_domain, report_domain
),

-- What a submitter reports under tlsa and another policy, counted as the same sessions, though it has not shown that they are.
doubtful as (
    select
        submitter_domain,
        report_domain,
        (sum(success_count + failure_count) - sum(sessions))::bigint as unsure_sessions
    from settings.row_parts
    where counted
        and unsure
        and report_day between $since and $until
        and ($domain is null or report_domain = $domain)
        and (carries or policy_type = 'no-policy-found')
    group by submitter_domain, report_domain
    having unsure_sessions > 0
),

named as (
    select
        pairs.* exclude (rated, is_loop),
        coalesce(doubtful.unsure_sessions, 0) as unsure_sessions,
        list_filter(
            [
                if(not pairs.rated, 'failures only', null),
                if(pairs.is_loop, 'report loop', null),
                if(pairs.reports >= 1.5 * pairs.days, 'several reports a day', null),
                if(pairs.told_at_host > 0, 'host reports', null),
                if(doubtful.unsure_sessions is not null, 'unsure', null)
            ],
            lambda habit: habit is not null
        ) as habits
    from pairs
    left join doubtful
        on doubtful.submitter_domain = pairs.submitter_domain and doubtful.report_domain = pairs.report_domain
)

select
    submitter_domain,
    report_domain,
    habits,
    days,
    reports,
    sessions,
    failed,
    told_at_host,
    unsure_sessions
from named
where len(habits) > 0
order by sessions desc, submitter_domain, report_domain;
