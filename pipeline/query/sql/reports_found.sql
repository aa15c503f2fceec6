-- Reports, searched
-- One row per report: whether it counts or not, newest first.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- reporter (VARCHAR = null): one submitter; null for all
-- words (VARCHAR = null): part of the report id, organisation or contact, or the beginning of a report key; null for all
-- result_type (VARCHAR = null): only reports with such a failure; null for all
-- failing (BOOLEAN = false): only reports with failed sessions
-- counted (BOOLEAN = null): only those that count, or only those that do not; null for both
-- tiers (VARCHAR[] = null): trust tiers, of any kind; null for all
-- at_most (BIGINT = 200): how many
with sums as (
    select
        report_key,
        sum(success_count + failure_count) filter (not coalesce(repeats_sessions, false)) as sessions,
        sum(failure_count) filter (not coalesce(repeats_sessions, false)) as failed
    from policies
    where report_day between $since and $until
        and ($domain is null or report_domain = $domain)
        and ($reporter is null or submitter_domain = $reporter)
    group by report_key
)
select
    r.report_key,
    r.report_day,
    r.submitter_domain,
    r.report_domains,
    r.organization_name,
    r.report_id,
    r.trust_tier,
    r.counted,
    coalesce(sums.sessions, 0)::bigint as sessions,
    coalesce(sums.failed, 0)::bigint as failed,
    r.policy_count,
    r.failure_detail_count,
    r.quirks,
    r.received_at,
    r.message_sha256
from reports r
left join sums on sums.report_key = r.report_key
where r.report_day between $since and $until
    and ($domain is null or list_contains(r.report_domains, $domain))
    and ($reporter is null or r.submitter_domain = $reporter)
    and ($tiers is null or list_contains($tiers, r.trust_tier))
    and ($counted is null or r.counted = $counted)
    and (not $failing or sums.failed > 0)
    and (
        $words is null
        or contains(lower(r.report_id), lower($words))
        or contains(lower(coalesce(r.organization_name, '')), lower($words))
        or contains(lower(coalesce(r.contact_info, '')), lower($words))
        or starts_with(r.report_key, lower($words))
    )
    and (
        $result_type is null
        or r.report_key in (select report_key from failures where report_day between $since and $until and result_type = $result_type)
    )
order by r.report_day desc, r.submitter_domain, r.report_key
limit $at_most;
