-- Failures by MX host
-- Per receiving MX host and result type: mentions, senders, addresses of the host, since when. Many senders leave the host out (null).
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    receiving_mx_hostname,
    result_type,
    sum(mentions)::bigint as mentions,
    count(distinct receiving_ip) as addresses,
    count(distinct report_domain) as domains,
    count(distinct submitter_domain) as reporters,
    min(report_day) as first_day,
    max(report_day) as last_day
from mentions
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by receiving_mx_hostname, result_type
order by mentions desc, receiving_mx_hostname nulls last, result_type;
