-- How submitters report, in one reading of the rows: which rule their rows of two types follow, who reports only failures, who loops.
--
-- failures_only: on three days at least, never without a failure on any domain, and silent on a third of the days on which that domain is
-- reported on, or of those between its own reports. A sender that fails every day reports every day.
--
-- loops: on a week of days at least, four of five days in a row, with one session a day, or as many as that submitter sent reports about the
-- day before, however many domains each is about: these are the mails in which the reports came.
--
-- tlsa_alone: some report has tlsa policies alone, so that MX hosts may have reports of their own (learn_names.sql).
with told as materialized (
    select
        submitter_domain,
        report_domain,
        report_day,
        sum(sessions) as sessions,
        sum(failure_count) > 0 as has_failures,
        count(*) filter (proves) as told_twice,
        count(*) filter (proves and totals_equal) as alike,
        bool_or(policy_type = 'tlsa' and once_failed is null) as has_tlsa_alone
    from (
        select *, settings.proves_a_rule(totals_equal, once_authenticated, once_failed, once_unprotected) as proves
        from settings.row_parts
        where counted and report_domain not in (select unnest($hosts::varchar[]))
    )
    group by submitter_domain, report_domain, report_day
),

pairs as materialized (
    select
        submitter_domain,
        report_domain,
        count(*) as days,
        max(report_day) - min(report_day) + 1 as span,
        bool_and(has_failures) as only_failures,
        sum(told_twice) as told_twice,
        sum(alike) as alike,
        bool_or(has_tlsa_alone) as has_tlsa_alone
    from told
    group by submitter_domain, report_domain
),

senders as materialized (
    select
        submitter_domain,
        settings.rule_of(submitter_domain, sum(told_twice), sum(alike)) as rule,
        sum(told_twice) > 0 as has_rule,
        bool_and(only_failures) and max(days) >= 3 as only_failures,
        bool_or(has_tlsa_alone) as has_tlsa_alone
    from pairs
    group by submitter_domain
),

failing as materialized (
    select pairs.*
    from pairs
    inner join senders on senders.submitter_domain = pairs.submitter_domain
    where senders.only_failures
),

domains as (
    select report_domain, count(distinct report_day) as days
    from told
    where report_domain in (select report_domain from failing)
    group by report_domain
),

steady as materialized (
    select submitter_domain, report_domain
    from pairs
    where days >= 7 and days >= 0.8 * span
),

sent as (
    select submitter_domain, report_day, count(*) as reports
    from reports
    where counted and submitter_domain in (select submitter_domain from steady)
    group by submitter_domain, report_day
),

loops as (
    select told.submitter_domain, told.report_domain
    from told
    inner join steady on steady.submitter_domain = told.submitter_domain and steady.report_domain = told.report_domain
    left join sent on sent.submitter_domain = told.submitter_domain and sent.report_day = told.report_day - 1
    group by told.submitter_domain, told.report_domain
    having count(*) filter (told.sessions in (1, sent.reports)) >= 0.9 * count(*)
)

select rule as habit, submitter_domain as who
from senders
where has_rule and rule in ('apart', 'same')
union all
select 'failures_only' as habit, failing.submitter_domain as who
from failing
inner join domains on domains.report_domain = failing.report_domain
group by failing.submitter_domain
having sum(greatest(failing.span, domains.days) - failing.days) >= greatest(3, sum(greatest(failing.span, domains.days)) / 3)
union all
select 'loops' as habit, submitter_domain || ' ' || report_domain as who
from loops
union all
select distinct 'tlsa_alone' as habit, '' as who
from senders
where has_tlsa_alone
order by habit, who;
