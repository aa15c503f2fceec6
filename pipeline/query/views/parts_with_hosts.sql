-- mox reports a session under the recipient domain and again under the MX host, in a report of its own. Rows about one of our MX hosts add
-- nothing where the same submitter reports domains of the same day; where the sums are equal and none failed at the host, the sessions for
-- which it found no other policy were authenticated by DANE. A report with tlsa policies alone is about a host where it is about no recipient
-- domain, or about one that another report of that submitter and day is about. Else it is what a sender tells of a domain that has DANE alone.
create view settings.at_hosts as
select
    *,
    policy_type = 'tlsa'
    and once_failed is null
    and submitter_domain not in (select unnest(getvariable('lake').apart::varchar[]))
    and (
        report_domain in (select unnest(getvariable('lake').hosts::varchar[]))
        or (
            (
                policy_domain in (select unnest(getvariable('lake').hosts::varchar[]))
                or list_has_any(mx_host, getvariable('lake').hosts::varchar[])
            )
            and (submitter_domain, report_day, report_domain) in (
                select (submitter_domain, report_day, report_domain)
                from counted_policies
                where policy_type in ('sts', 'no-policy-found')
            )
        )
    ) as at_host
from settings.row_parts
where counted;

create view settings.host_days as
select
    submitter_domain,
    report_day,
    sum(sessions) filter (at_host) as host_sessions,
    sum(failed) filter (at_host) as host_failed,
    sum(sessions) filter (not at_host) as domain_sessions
from settings.at_hosts
group by submitter_domain, report_day
having host_sessions is not null and domain_sessions is not null;

-- Sessions by policy row; these rows may be summed.
create view session_parts as
select
    report_key, policy_ix, report_month, report_day, report_domain, submitter_domain, trust_tier, policy_type, told_twice,
    if(elsewhere, 0, sessions) as sessions,
    case when elsewhere then 0 when by_dane then authenticated + unprotected else authenticated end as authenticated,
    if(elsewhere, 0, failed) as failed,
    if(elsewhere or by_dane, 0, unprotected) as unprotected,
    if(elsewhere, sessions, 0) as told_at_host,
    if(policy_type = 'sts', success_count, 0) as sts_success,
    if(policy_type = 'sts', failure_count, 0) as sts_failure,
    if(policy_type = 'tlsa', success_count, 0) as tlsa_success,
    if(policy_type = 'tlsa', failure_count, 0) as tlsa_failure,
    settings.is_rated(submitter_domain) as rated,
    unsure_sessions
from (
    select
        rows_at.*,
        rows_at.at_host and days.host_sessions is not null as elsewhere,
        coalesce(not rows_at.at_host and days.host_sessions = days.domain_sessions and days.host_failed = 0, false) as by_dane
    from settings.at_hosts rows_at
    left join settings.host_days days
        on days.submitter_domain = rows_at.submitter_domain and days.report_day = rows_at.report_day
);
