-- Sessions of a domain by day, sender and policy mode
-- What a verdict on enforce rests on: sessions under a policy by its mode, and those for which the sender found none.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR): the domain asked for
-- harmless (VARCHAR[]): result types that refuse no mail under MTA-STS
with refusing as (
    select
        report_key,
        policy_ix,
        sum(failed_session_count) as mentions
    from settings.judged_failures
    where report_day between $since and $until
        and report_domain = $domain
        and policy_type = 'sts'
        and not list_contains($harmless, result_type)
    group by report_key, policy_ix
)
select
    p.report_day,
    p.submitter_domain,
    coalesce(sum(p.success_count + p.failure_count) filter (where p.policy_type = 'sts'), 0)::bigint as sts_sessions,
    -- Details may overlap, so a policy refuses at most what it counts as failed; failures that no detail explains might be refused, too.
    coalesce(
        sum(least(p.failure_count, coalesce(r.mentions, 0) + greatest(p.failure_count - p.failure_detail_sum, 0)))
            filter (where p.policy_type = 'sts'),
        0
    )::bigint as would_refuse,
    coalesce(sum(p.success_count + p.failure_count) filter (where p.policy_type = 'sts' and p.sts_mode = 'enforce'), 0)::bigint as enforced,
    coalesce(
        sum(p.success_count + p.failure_count) filter (where p.policy_type = 'sts' and p.sts_mode = 'none'), 0
    )::bigint as switched_off,
    coalesce(sum(p.success_count + p.failure_count) filter (where p.policy_type = 'no-policy-found'), 0)::bigint as unprotected
from settings.judged_policies p
left join refusing r
    on r.report_key = p.report_key
    and r.policy_ix = p.policy_ix
where p.report_day between $since and $until
    and p.report_domain = $domain
    and p.policy_type in ('sts', 'no-policy-found')
group by p.report_day, p.submitter_domain
order by p.report_day, p.submitter_domain;
