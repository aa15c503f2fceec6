-- Failures by result type
-- How often each result type was mentioned, by how many senders, for how many domains and hosts, since when. Mentions may overlap.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    result_type,
    any_value(result_group) as result_group,
    sum(mentions)::bigint as mentions,
    count(distinct report_domain) as domains,
    count(distinct receiving_mx_hostname) as mx_hosts,
    count(distinct submitter_domain) as reporters,
    min(report_day) as first_day,
    max(report_day) as last_day
from mentions
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by result_type
order by mentions desc, result_type;
