-- Excluded reports, by reason
-- Per reason: what the check of the signature said where the trust tier does not count, else not_our_domain. A report replaced by a better one
-- is not left out: that one counts.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
with left_out as (
    select report_key, trust_tier, message_sha256, report_domains
    from reports
    where report_day between $since and $until
        and not counted
        and report_key not in (select report_key from settings.replaced)
        and ($domain is null or list_contains(report_domains, $domain))
),
checked as (
    select message_sha256, any_value(dkim_result) as dkim_result
    from settings.carriers
    where message_sha256 in (select message_sha256 from left_out)
    group by message_sha256
)
select
    case when tier_counts(trust_tier) then 'not_our_domain' else coalesce(checked.dkim_result, 'unknown') end as reason,
    count(*) as reports,
    list_sort(list(distinct left_out.report_domains[1]))[:3] as domains
from left_out
left join checked on checked.message_sha256 = left_out.message_sha256
group by reason
order by reports desc, reason;
