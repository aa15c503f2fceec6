-- Failure details for export
-- The rows of counted_failures, as `tlsrpt export` writes them.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
select * exclude (batch, report_month)
from counted_failures
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
order by report_day, report_key, policy_ix, failure_ix;
