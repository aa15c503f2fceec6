-- Sessions of each reporter in spans of days, and since
-- The sessions each reporter counted for one domain over one span of days, after it and lately; many spans at once, numbered from 0.
-- since (DATE): first day of all spans, inclusive, UTC
-- until (DATE): last complete day, inclusive, UTC
-- span_domains (VARCHAR[]): the domain of each span
-- span_firsts (VARCHAR[]): the first day of each span, inclusive, as YYYY-MM-DD
-- span_lasts (VARCHAR[]): the last day of each span, inclusive, as YYYY-MM-DD
with spans as (
    select
        unnest(range(len($span_domains))) as span,
        unnest($span_domains) as span_domain,
        unnest($span_firsts)::date as first_day,
        unnest($span_lasts)::date as last_day
)
select
    spans.span,
    p.submitter_domain,
    -- Of an MX host with reports of its own, what was told there: its sessions are counted under the recipient domains.
    greatest(
        coalesce(sum(p.sessions) filter (where p.report_day <= spans.last_day), 0),
        coalesce(sum(p.told_at_host) filter (where p.report_day <= spans.last_day), 0)
    )::bigint as sessions,
    coalesce(sum(p.sts_success + p.sts_failure) filter (where p.report_day <= spans.last_day), 0)::bigint as sts_sessions,
    coalesce(sum(p.tlsa_success + p.tlsa_failure) filter (where p.report_day <= spans.last_day), 0)::bigint as tlsa_sessions,
    -- From the first day with a report to the last: distinct days would take as long as all the rest.
    coalesce(
        max(p.report_day) filter (where p.report_day <= spans.last_day)
        - min(p.report_day) filter (where p.report_day <= spans.last_day) + 1,
        0
    )::bigint as days,
    -- Of those that report only on days with failures: no share is made of them.
    greatest(
        coalesce(sum(p.sessions) filter (where p.report_day <= spans.last_day and not p.rated), 0),
        coalesce(sum(p.told_at_host) filter (where p.report_day <= spans.last_day and not p.rated), 0)
    )::bigint as unrated_sessions,
    greatest(
        coalesce(sum(p.sessions) filter (where p.report_day > spans.last_day), 0),
        coalesce(sum(p.told_at_host) filter (where p.report_day > spans.last_day), 0)
    )::bigint as sessions_after,
    greatest(
        coalesce(sum(p.sessions) filter (where p.report_day > spans.last_day and p.report_day > $until::date - 2), 0),
        coalesce(sum(p.told_at_host) filter (where p.report_day > spans.last_day and p.report_day > $until::date - 2), 0)
    )::bigint as sessions_lately
from spans
inner join session_parts p
    on p.report_domain = spans.span_domain
    and p.report_day >= spans.first_day
    -- What came after is asked for to see whether it is over: some days tell, and the last two.
    and (p.report_day <= spans.last_day + 14 or p.report_day > $until::date - 2)
where p.report_day between $since and $until
    -- Sessions that one of several contents of a report claims clear nobody, and end nothing.
    and (p.report_domain, p.submitter_domain, p.report_day) not in (
        select (report_domain, submitter_domain, report_day)
        from settings.disputed_days
        where report_day between $since and $until
    )
group by spans.span, p.submitter_domain
order by spans.span, p.submitter_domain;
