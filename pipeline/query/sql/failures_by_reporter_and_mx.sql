-- Failures by reporter, MX host and result type
-- One row per flow; the counts are mentions.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    submitter_domain,
    receiving_mx_hostname,
    result_type,
    sum(mentions)::bigint as mentions,
    count(distinct report_day) as days,
    min(report_day) as first_day,
    max(report_day) as last_day
from mentions
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by submitter_domain, receiving_mx_hostname, result_type
order by mentions desc, submitter_domain, receiving_mx_hostname nulls last, result_type;
