-- TLSA records that senders saw
-- One row per sender, MX host and set of TLSA records that it applied, with the days on which it did; no host where the sender names none.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR): the domain asked for
with applied as (
    select
        submitter_domain,
        report_day,
        success_count + failure_count as sessions,
        list_sort(tlsa_records) as tlsa_records,
        list_sort(list_distinct(list_concat(
            mx_host,
            case when policy_domain <> report_domain and not policy_domain_derived then [policy_domain] else [] end
        ))) as mx_hosts
    from counted_policies
    where report_day between $since and $until
        and report_domain = $domain
        and policy_type = 'tlsa'
        and len(tlsa_records) > 0
)

select
    submitter_domain,
    mx_hosts,
    tlsa_records,
    min(report_day) as first_day,
    max(report_day) as last_day,
    sum(sessions)::bigint as sessions
from applied
group by submitter_domain, mx_hosts, tlsa_records
order by last_day desc, submitter_domain, mx_hosts, tlsa_records;
