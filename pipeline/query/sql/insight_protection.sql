-- Sessions by protection, of senders that applied a policy on some days and none on others
-- One row per domain, sender and day, for senders that applied MTA-STS or DANE on some days and not on others: where protection may have been lost.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): the domain asked for; null for all
-- domains (VARCHAR[] = null): the domains asked for, where they are several; null for all
-- Read twice is quicker than kept.
with rows_told as not materialized (
    select
        report_domain,
        submitter_domain,
        report_day,
        policy_type,
        policy_hash,
        sts_mode,
        identity,
        content,
        -- TLSA records that were found missing or wrong protect nobody.
        if(policy_type = 'tlsa', success_count, success_count + failure_count) as sessions,
        if(policy_type = 'tlsa', failure_count, 0) as refused
    from settings.told_policies
    where report_day between $since and $until
        and policy_type in ('sts', 'tlsa', 'no-policy-found')
        and (success_count > 0 or failure_count > 0)
        and ($domain is null or report_domain = $domain)
        and ($domains is null or report_domain in (select unnest($domains)))
),
-- A disputed report protects nobody, and leaves as many unprotected as the content that says most.
disputed_unprotected as (
    select report_domain, submitter_domain, report_day, identity, content, sum(sessions) as sessions
    from rows_told
    where identity is not null and policy_type = 'no-policy-found'
    group by all
),
rows_asked as not materialized (
    select report_domain, submitter_domain, report_day, policy_type, policy_hash, sts_mode, sessions, refused
    from rows_told
    where identity is null
    union all
    select
        report_domain, submitter_domain, report_day, 'no-policy-found' as policy_type, null as policy_hash, null as sts_mode,
        max(sessions) as sessions, 0 as refused
    from disputed_unprotected
    group by report_domain, submitter_domain, report_day, identity
),
-- Few senders have both, and only these are looked at by day.
pairs as (
    select
        report_domain,
        submitter_domain,
        bool_or(policy_type = 'no-policy-found') as has_none
    from rows_asked
    group by report_domain, submitter_domain
    having bool_or(policy_type <> 'no-policy-found' and sessions > 0)
        and (has_none or (bool_or(policy_type = 'tlsa' and sessions > 0) and bool_or(policy_type = 'sts')))
),
-- Of those that always found MTA-STS, the ones with a day without DANE.
days as (
    select
        a.report_domain, a.submitter_domain, a.report_day,
        coalesce(sum(a.sessions) filter (a.policy_type = 'sts' and a.sts_mode is distinct from 'none'), 0)::bigint as sts,
        coalesce(sum(a.sessions) filter (a.policy_type = 'sts' and a.sts_mode = 'none'), 0)::bigint as switched_off,
        coalesce(sum(a.sessions) filter (a.policy_type = 'tlsa'), 0)::bigint as tlsa,
        coalesce(sum(a.refused), 0)::bigint as tlsa_failed,
        coalesce(sum(a.sessions) filter (a.policy_type = 'no-policy-found'), 0)::bigint as unprotected,
        any_value(a.policy_hash) filter (a.policy_type = 'sts') as policy_hash,
        bool_or(pairs.has_none) as has_none
    from rows_asked a
    inner join pairs on pairs.report_domain = a.report_domain and pairs.submitter_domain = a.submitter_domain
    group by a.report_domain, a.submitter_domain, a.report_day
)
select * exclude (has_none)
from days
qualify has_none or bool_or(tlsa = 0) over (partition by report_domain, submitter_domain)
order by report_domain, submitter_domain, report_day;
