-- What failed: one row per domain, day, reporter, policy applied, result type, reason, MX host and address
-- The failures of a period as a cube, from which incidents are made; failures without details have an empty result type.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): the domain asked for; null for all
-- domains (VARCHAR[] = null): the domains asked for, where they are several; null for all
-- Of a disputed report each failure is taken from the content that has most of it: first by content, then the largest, then together.
with failing_by_content as (
    select
        report_domain,
        report_day,
        submitter_domain,
        policy_type,
        identity,
        content,
        sum(failure_count) as policy_failures,
        coalesce(sum(failure_count) filter (where failure_detail_sum = 0), 0) as without_details
    from settings.told_policies
    where report_day between $since and $until
        and failure_count > 0
        and ($domain is null or report_domain = $domain)
        and ($domains is null or report_domain in (select unnest($domains)))
    group by all
),
failing_once as (
    select
        report_domain,
        report_day,
        submitter_domain,
        policy_type,
        identity,
        max(policy_failures) as policy_failures,
        max(without_details) as without_details
    from failing_by_content
    group by all
),
failing as (
    select
        report_domain,
        report_day,
        submitter_domain,
        policy_type,
        sum(policy_failures)::bigint as policy_failures,
        sum(without_details)::bigint as without_details
    from failing_once
    group by all
),
details_by_content as (
    select
        report_domain,
        report_day,
        submitter_domain,
        policy_type,
        policy_hash,
        result_type,
        failure_reason_code,
        receiving_mx_hostname,
        receiving_ip,
        identity,
        content,
        sum(failed_session_count) as mentions
    from settings.told_failures
    where report_day between $since and $until
        and failed_session_count > 0
        and ($domain is null or report_domain = $domain)
        and ($domains is null or report_domain in (select unnest($domains)))
    group by all
),
details_once as (
    select
        report_domain,
        report_day,
        submitter_domain,
        policy_type,
        policy_hash,
        result_type,
        failure_reason_code,
        receiving_mx_hostname,
        receiving_ip,
        identity,
        max(mentions) as mentions
    from details_by_content
    group by all
),
details as (
    select
        report_domain,
        report_day,
        submitter_domain,
        policy_type,
        policy_hash,
        result_type,
        failure_reason_code,
        receiving_mx_hostname,
        receiving_ip,
        sum(mentions)::bigint as mentions
    from details_once
    group by all
)
select
    details.report_domain,
    details.report_day,
    details.submitter_domain,
    details.policy_type,
    details.policy_hash,
    details.result_type,
    details.failure_reason_code,
    details.receiving_mx_hostname,
    details.receiving_ip,
    details.mentions,
    coalesce(failing.policy_failures, 0) as policy_failures,
    (details.submitter_domain in (select unnest(getvariable('lake').apart::varchar[])))::integer as apart
from details
left join failing using (report_domain, report_day, submitter_domain, policy_type)
union all
-- A reporter that counts failures and details none of them: all that is known is that they failed.
select
    report_domain,
    report_day,
    submitter_domain,
    policy_type,
    null as policy_hash,
    '' as result_type,
    null as failure_reason_code,
    null as receiving_mx_hostname,
    null as receiving_ip,
    without_details as mentions,
    policy_failures,
    (submitter_domain in (select unnest(getvariable('lake').apart::varchar[])))::integer as apart
from failing
where without_details > 0
order by all;
