-- Sending addresses of sessions that found no STARTTLS, by domain, reporter and address
-- The sending side of sessions that found no STARTTLS, which tells a path that strips it from a host that lacks it.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domains (VARCHAR[]): the domains asked for
select
    report_domain,
    submitter_domain,
    receiving_mx_hostname,
    report_day,
    sending_mta_ip,
    sum(failed_session_count)::bigint as mentions
from counted_failures
where report_day between $since and $until
    and result_type = 'starttls-not-supported'
    and sending_mta_ip is not null
    and failed_session_count > 0
    and list_contains($domains, report_domain)
group by all
order by all;
