-- What counts, in one place.

create macro tier_counts(tier) as list_contains(getvariable('lake').counted_tiers::varchar[], tier);

-- A row counts when its sender's tier does, no better report of the same identity is there (it stands), and it is about a domain of ours.
create view reports as
select * exclude (stands), tier_counts(trust_tier) and stands and settings.report_is_ours(report_key, report_domains) as counted
from settings.all_reports;

create view policies as
select * exclude (stands), tier_counts(trust_tier) and stands and settings.row_is_ours(report_domain, policy_type, policy_domain) as counted
from settings.all_policies;

create view failures as
select * exclude (stands), tier_counts(trust_tier) and stands and settings.row_is_ours(report_domain, policy_type, policy_domain) as counted
from settings.all_failures;

create view counted_policies as
select * exclude (counted)
from policies
where counted;

create view counted_failures as
select * exclude (counted)
from failures
where counted;

-- Sessions by policy row. Where a report gives the same sessions under sts and under tlsa, the rows of one type carry them and those of the
-- other repeat them (pipeline.report.sessions): repeating rows have 0 here, so that these rows may be summed. A tlsa row that is ours by its
-- MX host alone carries its sessions, since the sts rows of that domain are not ours to count. Types we do not know carry none.
create view session_parts as
select
    report_key, policy_ix, report_month, report_day, report_domain, submitter_domain, trust_tier, policy_type,
    (policy_type in ('sts', 'tlsa') and (not coalesce(repeats_sessions, false) or not ours_by_name)) as carries,
    if(carries or policy_type = 'no-policy-found', success_count + failure_count, 0) as sessions,
    if(carries, success_count, 0) as authenticated,
    if(carries, failure_count, 0) as failed,
    if(policy_type = 'no-policy-found', success_count + failure_count, 0) as unprotected,
    if(policy_type = 'sts', success_count, 0) as sts_success,
    if(policy_type = 'sts', failure_count, 0) as sts_failure,
    if(policy_type = 'tlsa', success_count, 0) as tlsa_success,
    if(policy_type = 'tlsa', failure_count, 0) as tlsa_failure
from (
    select *, settings.domain_is_ours(report_domain) as ours_by_name
    from counted_policies
);

create view sessions as
select
    report_key, report_month, report_day, report_domain, submitter_domain, trust_tier,
    any_value(policy_type) filter (carries) as counted_type,
    sum(sessions)::bigint as sessions,
    sum(authenticated)::bigint as authenticated,
    sum(failed)::bigint as failed,
    sum(unprotected)::bigint as unprotected,
    sum(sts_success)::bigint as sts_success,
    sum(sts_failure)::bigint as sts_failure,
    sum(tlsa_success)::bigint as tlsa_success,
    sum(tlsa_failure)::bigint as tlsa_failure
from session_parts
group by report_key, report_month, report_day, report_domain, submitter_domain, trust_tier;

-- What failed, mentioned once: the same failure told under sts and under tlsa is taken from the one that mentions it more often.
create view mentions as
select
    report_key, report_month, report_day, report_domain, submitter_domain, trust_tier, result_type, result_group, receiving_mx_hostname,
    receiving_ip, sending_mta_ip, failure_reason_code,
    (
        greatest(
            coalesce(sum(failed_session_count) filter (policy_type = 'sts'), 0),
            coalesce(sum(failed_session_count) filter (policy_type = 'tlsa'), 0)
        )
        + coalesce(sum(failed_session_count) filter (policy_type not in ('sts', 'tlsa')), 0)
    )::bigint as mentions
from counted_failures
group by all;
