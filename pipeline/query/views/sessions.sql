create view sessions as
select
    report_key, report_month, report_day, report_domain, submitter_domain, trust_tier,
    case
        when sum(tlsa_success + tlsa_failure) > sum(sts_success + sts_failure) then 'tlsa'
        when bool_or(policy_type = 'sts') then 'sts'
        when bool_or(policy_type = 'tlsa') then 'tlsa'
    end as counted_type,
    sum(sessions)::bigint as sessions,
    sum(authenticated)::bigint as authenticated,
    sum(failed)::bigint as failed,
    sum(unprotected)::bigint as unprotected,
    sum(told_at_host)::bigint as told_at_host,
    sum(sts_success)::bigint as sts_success,
    sum(sts_failure)::bigint as sts_failure,
    sum(tlsa_success)::bigint as tlsa_success,
    sum(tlsa_failure)::bigint as tlsa_failure,
    bool_and(rated) as rated
from session_parts
group by report_key, report_month, report_day, report_domain, submitter_domain, trust_tier;
