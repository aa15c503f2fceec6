-- Evidence: reports behind failures, newest first
-- The keys of the reports behind incidents, newest first, some for each; lists of equal length make the lines to look for.
-- since (DATE): first day of all, inclusive, UTC
-- until (DATE): last day of all, inclusive, UTC
-- incidents (VARCHAR[]): the number of the incident each of the lines below belongs to
-- firsts (VARCHAR[]): first day of each line, inclusive, as YYYY-MM-DD
-- lasts (VARCHAR[]): last day of each line, inclusive, as YYYY-MM-DD
-- domains (VARCHAR[]): domain of each line
-- reporters (VARCHAR[]): reporter of each line
-- results (VARCHAR[]): result type of each line; empty for failures without details
-- reasons (VARCHAR[]): failure reason of each line; empty where none was sent
-- hosts (VARCHAR[]): MX host of each line; empty where none was sent
-- limit_each (BIGINT = 20): at most so many reports for each incident
with lines as (
    select
        unnest($incidents)::integer as incident,
        unnest($firsts)::date as first_day,
        unnest($lasts)::date as last_day,
        unnest($domains) as line_domain,
        unnest($reporters) as reporter,
        unnest($results) as result_type,
        unnest($reasons) as reason,
        unnest($hosts) as host
),
detailed as (
    select distinct
        lines.incident,
        f.report_day,
        f.report_key
    from settings.told_failures f
    inner join lines
        on f.report_domain = lines.line_domain
        and f.submitter_domain = lines.reporter
        and f.result_type = lines.result_type
        and coalesce(f.failure_reason_code, '') = lines.reason
        and coalesce(f.receiving_mx_hostname, '') = lines.host
        and f.report_day between lines.first_day and lines.last_day
    where f.report_day between $since and $until
        and f.failed_session_count > 0
),
bare as (
    select distinct
        lines.incident,
        p.report_day,
        p.report_key
    from settings.told_policies p
    inner join lines
        on p.report_domain = lines.line_domain
        and p.submitter_domain = lines.reporter
        and lines.result_type = ''
        and p.report_day between lines.first_day and lines.last_day
    where p.report_day between $since and $until
        and p.failure_count > 0
        and p.failure_detail_sum = 0
),
without_policy as (
    select distinct
        lines.incident,
        p.report_day,
        p.report_key
    from counted_policies p
    inner join lines
        on p.report_domain = lines.line_domain
        and p.submitter_domain = lines.reporter
        and lines.result_type = 'no-policy-found'
        and p.report_day between lines.first_day and lines.last_day
    where p.report_day between $since and $until
        and p.policy_type <> 'tlsa'
        and p.success_count + p.failure_count > 0
),
proof as (
    select incident, report_day, report_key from detailed
    union
    select incident, report_day, report_key from without_policy
    union
    select incident, report_day, report_key from bare
)
select
    incident,
    report_day,
    report_key,
    count(*) over (partition by incident) as reports_in_all
from proof
qualify row_number() over (partition by incident order by report_day desc, report_key) <= $limit_each
order by incident, report_day desc, report_key;
