-- Basis of conclusions
-- One row: sessions, reports, reporters and days that count, and how many of the sessions are from days that are not complete yet.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- complete_until (DATE = null): the last complete day; null: every day is
select
    coalesce(sum(sessions), 0)::bigint as sessions,
    coalesce(sum(case when report_day > $complete_until then sessions end), 0)::bigint as incomplete_sessions,
    count(distinct report_key) as reports,
    count(distinct submitter_domain) as reporters,
    count(distinct report_day) as days,
    min(report_day) as first_day,
    max(report_day) as last_day
from session_parts
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
order by sessions;
