-- Sessions of each reporter in spans of days, by policy type
-- The sessions each reporter counted for one domain over one span of days, for many spans at once; spans are numbered from 0.
-- since (DATE): first day of all spans, inclusive, UTC
-- until (DATE): last day of all spans, inclusive, UTC
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
    sum(p.sessions)::bigint as sessions,
    sum(p.sts_success + p.sts_failure)::bigint as sts_sessions,
    sum(p.tlsa_success + p.tlsa_failure)::bigint as tlsa_sessions,
    sum(p.failed)::bigint as failed,
    count(distinct p.report_day) as days
from spans
inner join session_parts p
    on p.report_domain = spans.span_domain
    and p.report_day between spans.first_day and spans.last_day
where p.report_day between $since and $until
group by all
order by all;
