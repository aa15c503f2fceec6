-- Report search
-- One row per report: whether it counts or not, newest first.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- reporter (VARCHAR = null): one submitter; null for all
-- words (VARCHAR = null): part of the report id, organisation or contact, or the beginning of a report key; null for all
-- result_type (VARCHAR = null): only reports with such a failure, the empty text for one without a result type; null for all
-- host (VARCHAR = null): only reports in which that failure names this MX host, the empty text for none; null for all
-- address (VARCHAR = null): only reports in which that failure names this receiving address; null for all
-- network (VARCHAR = null): only reports in which that failure comes from this sending network; null for all
-- quirk (VARCHAR = null): only reports with this deviation; null for all
-- failing (BOOLEAN = false): only reports with failed sessions
-- counted (BOOLEAN = null): only those that count, or only those that do not; null for both
-- tiers (VARCHAR[] = null): trust tiers, of any kind; null for all
-- at_most (BIGINT = 200): how many
with newest as (
    -- What is filtered and sorted by, and nothing else: the other columns are read of the few that were found.
    select report_key, report_day
    from reports
    where report_day between $since and $until
        and ($domain is null or list_contains(report_domains, $domain))
        and ($reporter is null or submitter_domain = $reporter)
        and ($tiers is null or list_contains($tiers, trust_tier))
        and ($counted is null or counted = $counted)
        and (
            $words is null
            or contains(lower(report_id), lower($words))
            or contains(lower(coalesce(organization_name, '')), lower($words))
            or contains(lower(coalesce(contact_info, '')), lower($words))
            or starts_with(report_key, lower($words))
        )
        and (
            not $failing
            or report_key in (select report_key from policies where report_day between $since and $until and failure_count > 0)
        )
        and ($quirk is null or list_contains(quirks, $quirk))
        and (
            coalesce($result_type, $host, $address, $network) is null
            or report_key in (
                select report_key
                from failures
                where report_day between $since and $until
                    and ($domain is null or report_domain = $domain)
                    and ($result_type is null or result_type = $result_type)
                    and ($host is null or coalesce(receiving_mx_hostname, '') = $host)
                    and ($address is null or receiving_ip = $address)
                    and ($network is null or network_of(sending_mta_ip) = $network)
            )
        )
    order by report_day desc, submitter_domain, report_key
    limit $at_most
),
found as (
    select reports.*
    from reports
    inner join newest on newest.report_day = reports.report_day and newest.report_key = reports.report_key
    where reports.report_day between $since and $until
),
sums as (
    select report_key, sum(sessions) as sessions, sum(failed) as failed
    from settings.row_parts
    where report_day between $since and $until
        and report_key in (select report_key from found)
        and report_day in (select report_day from found)
        and report_domain in (select unnest(report_domains) from found)
        and ($domain is null or report_domain = $domain)
    group by report_key
)
select
    found.report_key,
    found.report_day,
    found.submitter_domain,
    found.report_domains,
    found.organization_name,
    found.report_id,
    found.trust_tier,
    found.counted,
    coalesce(sums.sessions, 0)::bigint as sessions,
    coalesce(sums.failed, 0)::bigint as failed,
    found.policy_count,
    found.failure_detail_count,
    found.quirks,
    found.received_at,
    found.message_sha256
from found
left join sums on sums.report_key = found.report_key
order by found.report_day desc, found.submitter_domain, found.report_key;
