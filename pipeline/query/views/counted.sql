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

-- Which rule follows from how often a submitter reports a session under tlsa and again under another policy with equal totals (decision 0039).
create macro settings.rule_of(submitter, told_twice, alike) as
    case
        when list_contains(getvariable('lake').same_sessions::varchar[], submitter) then 'same'
        when told_twice < 10 then 'unsure'
        when alike >= 0.95 * told_twice then 'same'
        when alike < 0.5 * told_twice then 'apart'
        else 'unsure'
    end;

-- Reports of twenty sessions and less prove nothing: two small numbers are equal by chance.
create macro settings.proves_a_rule(alike, authenticated, failed, unprotected) as
    alike is not null and authenticated + failed + unprotected > 20;

create view submitters as
select
    submitter_domain,
    count(*) as reports_with_both,
    count(*) filter (where totals_equal) as totals_equal,
    settings.rule_of(submitter_domain, count(*), count(*) filter (where totals_equal)) as both_types_are
from counted_policies
where settings.proves_a_rule(totals_equal, once_authenticated, once_failed, once_unprotected)
group by submitter_domain;

-- A submitter that reports only on days with failures has no good days in its reports: rates leave it out (decision 0057).
create macro settings.is_rated(submitter) as submitter not in (select unnest(getvariable('lake').failures_only::varchar[]));

-- Nothing but the mails in which the reports themselves came: sessions, and no evidence.
create macro settings.is_loop(submitter, domain) as
    submitter || ' ' || domain in (select unnest(getvariable('lake').loops::varchar[]));

-- Every policy row with the sessions it adds, whether it counts or not.
--
-- Where a report has tlsa and other policies for one report_domain, the first row of that domain has what they come to if they tell of the
-- same sessions (pipeline.report.session_overlap), unless the submitter is one that reports each session under the one policy that applied. A tlsa
-- row that is ours by its MX host alone stands for itself, since the other rows of that domain are not ours to count. Types we do not know
-- add nothing.
create view settings.row_parts as
select
    * exclude (ours_by_name, apart),
    once_failed is not null and ours_by_name and not apart as told_twice,
    policy_type in ('sts', 'tlsa') as carries,
    if(
        told_twice,
        once_authenticated + once_failed + once_unprotected,
        if(carries or policy_type = 'no-policy-found', success_count + failure_count, 0)
    ) as sessions,
    if(told_twice, once_authenticated, if(carries, success_count, 0)) as authenticated,
    if(told_twice, once_failed, if(carries, failure_count, 0)) as failed,
    if(told_twice, once_unprotected, if(policy_type = 'no-policy-found', success_count + failure_count, 0)) as unprotected,
    if(
        told_twice and submitter_domain not in (select unnest(getvariable('lake').same::varchar[])),
        if(carries or policy_type = 'no-policy-found', success_count + failure_count, 0) - sessions,
        0
    ) as unsure_sessions
from (
    select
        *,
        settings.domain_is_ours(report_domain) as ours_by_name,
        submitter_domain in (select unnest(getvariable('lake').apart::varchar[])) as apart
    from policies
);

-- What failed, mentioned once: the same failure told under sts and under tlsa is taken from the one that mentions it more often, of a
-- submitter that reports each session under one policy from both.
create view mentions as
select
    report_key, report_month, report_day, report_domain, submitter_domain, trust_tier, result_type, result_group, receiving_mx_hostname,
    receiving_ip, sending_mta_ip, failure_reason_code,
    (
        if(
            apart,
            coalesce(sum(failed_session_count) filter (policy_type in ('sts', 'tlsa')), 0),
            greatest(
                coalesce(sum(failed_session_count) filter (policy_type = 'sts'), 0),
                coalesce(sum(failed_session_count) filter (policy_type = 'tlsa'), 0)
            )
        )
        + coalesce(sum(failed_session_count) filter (policy_type not in ('sts', 'tlsa')), 0)
    )::bigint as mentions
from (
    select *, submitter_domain in (select unnest(getvariable('lake').apart::varchar[])) as apart
    from counted_failures
)
group by
    report_key, report_month, report_day, report_domain, submitter_domain, trust_tier, result_type, result_group, receiving_mx_hostname,
    receiving_ip, sending_mta_ip, failure_reason_code, apart;

-- What verdicts and incidents go by. Sums take the report that counts. Where one identity and tier has several contents, one of which may be
-- forged, a conflict never improves a verdict: of each failure the content that has more of it is taken, and sessions are evidence as far as
-- every content has them. `told_…` has the rows of all contents, each with the identity that the contents share and the content it is of; both
-- are null where there is one content. Which rows are of disputed reports a cursor is told: see rows.sql.

create view settings.told_policies as
select *, null::varchar as identity, null::varchar as content, 1::bigint as contents, true as stands
from settings.policies_of(getvariable('lake').policies)
where tier_counts(trust_tier) and settings.row_is_ours(report_domain, policy_type, policy_domain)
union all by name
select
    p.* exclude (at_file, at_row), marks.identity, marks.content, coalesce(marks.contents, 1) as contents, coalesce(marks.stands, true) as stands
from settings.policies_at(getvariable('lake').policies_contested) p
left join settings.marks marks on marks.at_file = p.at_file and marks.at_row = p.at_row
where tier_counts(p.trust_tier) and settings.row_is_ours(p.report_domain, p.policy_type, p.policy_domain)
    and (marks.identity is not null or coalesce(marks.stands, true));

create view settings.told_failures as
select *, null::varchar as identity, null::varchar as content
from settings.failures_of(getvariable('lake').failures)
where tier_counts(trust_tier) and settings.row_is_ours(report_domain, policy_type, policy_domain)
union all by name
select f.* exclude (at_file, at_row), marks.identity, marks.content
from settings.failures_at(getvariable('lake').failures_contested) f
left join settings.marks marks on marks.at_file = f.at_file and marks.at_row = f.at_row
where tier_counts(f.trust_tier) and settings.row_is_ours(f.report_domain, f.policy_type, f.policy_domain)
    and (marks.identity is not null or coalesce(marks.stands, true));

-- The policies of disputed reports, whether they count or not.
create view settings.disputed_policies as
select p.* exclude (at_file, at_row), marks.identity
from settings.policies_at(getvariable('lake').policies_contested) p
inner join settings.marks marks on marks.at_file = p.at_file and marks.at_row = p.at_row
where marks.identity is not null;

-- The days on which a reporter's sessions for a domain prove nothing but failures.
create view settings.disputed_days as
select distinct report_domain, submitter_domain, report_day
from settings.disputed_policies;
