-- Submitters that report only on days with failures, and pairs of submitter and domain that exchange nothing but the reports themselves.
--
-- failures-only: on three days at least, never without a failure on any domain, and silent on a third of the days on which that domain is
-- reported on, or of those between its own reports. A sender that fails every day reports every day.
--
-- loops: on a week of days at least, four of five days in a row, with one session a day, or as many as that submitter sent reports about the
-- day before: these are the mails in which the reports came.
with told as (
    select
        submitter_domain,
        report_domain,
        report_day,
        count(*) filter (policy_ix = 0) as reports,
        sum(sessions) as sessions,
        sum(failure_count) > 0 as has_failures
    from settings.row_parts
    where counted and report_domain not in (select unnest($hosts::varchar[]))
    group by submitter_domain, report_domain, report_day
),

sent as (
    select submitter_domain, report_day, sum(reports) as reports
    from told
    group by submitter_domain, report_day
),

followed as (
    select
        told.*,
        told.sessions in (1, sent.reports) as as_in_a_loop
    from told
    left join sent on sent.submitter_domain = told.submitter_domain and sent.report_day = told.report_day - 1
),

domains as (
    select report_domain, count(distinct report_day) as days
    from told
    group by report_domain
),

pairs as (
    select
        followed.submitter_domain,
        followed.report_domain,
        count(*) as days,
        max(followed.report_day) - min(followed.report_day) + 1 as span,
        greatest(span, any_value(domains.days)) as possible_days,
        bool_and(followed.has_failures) as only_failures,
        count(*) filter (followed.as_in_a_loop) as loop_days
    from followed
    inner join domains on domains.report_domain = followed.report_domain
    group by followed.submitter_domain, followed.report_domain
)

select 'failures_only' as habit, submitter_domain as who
from pairs
group by submitter_domain
having bool_and(only_failures)
    and max(days) >= 3
    and sum(possible_days - days) >= greatest(3, sum(possible_days) / 3)
union all
select 'loops' as habit, submitter_domain || ' ' || report_domain as who
from pairs
where days >= 7 and days >= 0.8 * span and loop_days >= 0.9 * days
order by habit, who;
