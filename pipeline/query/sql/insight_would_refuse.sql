-- What enforce would have refused, by day and sender
-- The what-if replay of an MTA-STS policy in mode enforce: one row per day and sender.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR): the domain asked for
-- harmless (VARCHAR[]): result types that refuse no mail under MTA-STS
with refusing as (
    select
        report_key,
        policy_ix,
        sum(failed_session_count) as mentions
    from counted_failures
    where report_day between $since and $until
        and report_domain = $domain
        and policy_type = 'sts'
        and not list_contains($harmless, result_type)
    group by report_key, policy_ix
)
select
    p.report_day,
    p.submitter_domain,
    sum(p.success_count + p.failure_count)::bigint as sessions,
    -- Details may overlap, so a policy refuses at most what it counts as failed; failures that no detail explains might be refused.
    sum(least(p.failure_count, coalesce(r.mentions, 0) + greatest(p.failure_count - p.failure_detail_sum, 0)))::bigint as would_refuse,
    coalesce(sum(p.success_count + p.failure_count) filter (where p.sts_mode = 'enforce'), 0)::bigint as enforced_sessions,
    coalesce(sum(p.success_count + p.failure_count) filter (where p.sts_mode = 'none'), 0)::bigint as none_sessions
from counted_policies p
left join refusing r on r.report_key = p.report_key and r.policy_ix = p.policy_ix
where p.report_day between $since and $until
    and p.report_domain = $domain
    and p.policy_type = 'sts'
group by p.report_day, p.submitter_domain
order by p.report_day, p.submitter_domain;
