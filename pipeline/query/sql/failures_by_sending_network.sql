-- Failures by sending network
-- Per network of the sending address (/24 of IPv4, /48 of IPv6) and result type: whether a failure belongs to one part of a sender's network.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    network_of(sending_mta_ip) as sending_network,
    result_type,
    sum(mentions)::bigint as mentions,
    count(distinct sending_mta_ip) as addresses,
    list_sort(list(distinct submitter_domain))[:10] as first_reporters,
    count(distinct submitter_domain) as reporters,
    min(report_day) as first_day,
    max(report_day) as last_day
from mentions
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by sending_network, result_type
order by mentions desc, sending_network nulls last, result_type;
