-- Sessions of a domain by day, sender and policy mode
-- What a verdict on enforce rests on: sessions under a policy by its mode, and those for which the sender found none.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- domains (VARCHAR[] = null): the domains asked for, where they are several; null for all
-- harmless (VARCHAR[]): result types that refuse no mail under MTA-STS
with refusing as (
    select
        report_key,
        policy_ix,
        sum(failed_session_count) as mentions
    from settings.told_failures
    where report_day between $since and $until
        and ($domain is null or report_domain = $domain)
        and ($domains is null or report_domain in (select unnest($domains)))
        and policy_type = 'sts'
        and not list_contains($harmless, result_type)
    group by report_key, policy_ix
),
by_content as (
    select
        p.report_domain,
        p.report_day,
        p.submitter_domain,
        p.identity,
        p.content,
        any_value(p.contents) as contents,
        coalesce(sum(p.success_count + p.failure_count) filter (where p.policy_type = 'sts'), 0) as sts_sessions,
        -- Details may overlap, so a policy refuses at most what it counts as failed; failures that no detail explains might be refused, too.
        coalesce(
            sum(least(p.failure_count, coalesce(r.mentions, 0) + greatest(p.failure_count - p.failure_detail_sum, 0)))
                filter (where p.policy_type = 'sts'),
            0
        ) as would_refuse,
        coalesce(sum(p.success_count + p.failure_count) filter (where p.policy_type = 'sts' and p.sts_mode = 'enforce'), 0) as enforced,
        coalesce(
            sum(p.success_count + p.failure_count) filter (where p.policy_type = 'sts' and p.sts_mode = 'none'), 0
        ) as switched_off,
        coalesce(sum(p.success_count + p.failure_count) filter (where p.policy_type = 'no-policy-found'), 0) as unprotected
    from settings.told_policies p
    left join refusing r
        on r.report_key = p.report_key
        and r.policy_ix = p.policy_ix
    where p.report_day between $since and $until
        and ($domain is null or p.report_domain = $domain)
        and ($domains is null or p.report_domain in (select unnest($domains)))
        and p.policy_type in ('sts', 'no-policy-found')
    group by all
),
-- Of a disputed report the worst of each: sessions are evidence as far as every content has them.
once as (
    select
        report_domain,
        report_day,
        submitter_domain,
        identity,
        max(would_refuse) as would_refuse,
        greatest(if(count(*) = max(contents), min(sts_sessions), 0), max(would_refuse)) as sts_sessions,
        if(count(*) = max(contents), min(enforced), 0) as enforced,
        max(switched_off) as switched_off,
        max(unprotected) as unprotected
    from by_content
    group by report_domain, report_day, submitter_domain, identity
)
select
    report_domain,
    report_day,
    submitter_domain,
    sum(sts_sessions)::bigint as sts_sessions,
    sum(would_refuse)::bigint as would_refuse,
    sum(enforced)::bigint as enforced,
    sum(switched_off)::bigint as switched_off,
    sum(unprotected)::bigint as unprotected,
    settings.is_rated(submitter_domain) as rated,
    settings.is_loop(submitter_domain, report_domain) as is_loop
from once
group by report_domain, report_day, submitter_domain
order by report_domain, report_day, submitter_domain;
