-- Reports for export
-- The reports that count, as `tlsrpt export` writes them; asked for one domain, the other domains of a report are left out.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
select * exclude (batch, report_month, counted) replace (if($domain is null, report_domains, [$domain]) as report_domains)
from reports
where report_day between $since and $until
    and counted
    and ($domain is null or list_contains(report_domains, $domain))
order by report_day, report_key;
