-- Sessions for export
-- The rows of the view sessions, as `tlsrpt export` writes them.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
select * exclude (report_month)
from sessions
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
order by report_day, report_key, report_domain;
