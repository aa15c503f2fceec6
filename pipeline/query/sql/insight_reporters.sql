-- Since when each reporter is known by having been seen
-- What makes a reporter known beside the shipped list: enough distinct days with a report, or the operator's word.
-- since (DATE): first day to look at, inclusive, UTC
-- until (DATE): last day to look at, inclusive, UTC
-- needed (BIGINT): so many distinct days make a reporter known
with seen as (
    select
        submitter_domain,
        report_day,
        bool_or(trust_tier = 'vouched') as is_vouched,
        bool_or(trust_tier in ('verified', 'attested')) as is_proved
    from reports
    where report_day between $since and $until
        and counted
    group by submitter_domain, report_day
)
select
    submitter_domain,
    count(*) as days,
    list_sort(list(report_day))[$needed] as known_after_day,
    bool_or(is_vouched) as is_vouched,
    bool_or(is_proved) as is_proved
from seen
group by submitter_domain
order by submitter_domain;
