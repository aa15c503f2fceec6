-- Since when each reporter is known by having been seen
-- What makes a reporter known beside the shipped list: reports that came day by day, soon after the day they cover, or the operator's configuration.
-- since (DATE): first day to look at, inclusive, UTC
-- until (DATE): last day to look at, inclusive, UTC
-- needed (BIGINT): so many distinct days of receipt make a reporter known
-- within (BIGINT = 4): a day of receipt counts if a report of it came at most so many days after the day it covers
with imported as (
    -- What is imported is vouched for where it proves nothing, so few rows are looked for: none in most lakes, and then no row is looked at.
    select distinct submitter_domain
    from reports
    where report_day between $since and $until
        and counted
        and message_sha256 in (
            select message_sha256
            from settings.carriers
            where account = 'file'
                and trust_tier in ('verified', 'attested')
        )
),
seen as (
    select
        submitter_domain,
        report_day,
        if(utc_day(received_at) - report_day between 0 and $within, utc_day(received_at), null) as received_day,
        bool_or(trust_tier = 'vouched') as is_vouched,
        bool_or(trust_tier in ('verified', 'attested')) as is_proved
    from reports
    where report_day between $since and $until
        and counted
    group by submitter_domain, report_day, received_day
)
select
    submitter_domain,
    count(distinct report_day) as days,
    count(distinct received_day) as days_received,
    list_sort(list(distinct received_day) filter (where received_day is not null))[$needed] as known_after_day,
    bool_or(is_vouched) or submitter_domain in (select submitter_domain from imported) as is_vouched,
    bool_or(is_proved) as is_proved
from seen
group by submitter_domain
order by submitter_domain;
