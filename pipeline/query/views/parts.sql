-- Sessions by policy row; these rows may be summed. No MX host has reports of its own (else parts_with_hosts.sql).
create view session_parts as
select
    report_key, policy_ix, report_month, report_day, report_domain, submitter_domain, trust_tier, policy_type, told_twice,
    sessions, authenticated, failed, unprotected,
    0::bigint as told_at_host,
    if(policy_type = 'sts', success_count, 0) as sts_success,
    if(policy_type = 'sts', failure_count, 0) as sts_failure,
    if(policy_type = 'tlsa', success_count, 0) as tlsa_success,
    if(policy_type = 'tlsa', failure_count, 0) as tlsa_failure,
    settings.is_rated(submitter_domain) as rated,
    unsure_sessions
from settings.row_parts
where counted;
