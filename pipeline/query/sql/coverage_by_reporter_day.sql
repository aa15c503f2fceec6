-- Who reported on which day
-- One row per submitter and UTC day: domains and sessions; a missing row is a day without a report.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- as_of (DATE): the as-of date; days after the second day before it may still get reports
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    submitter_domain,
    report_day,
    count(distinct report_domain) as domains,
    sum(sessions)::bigint as sessions,
    sum(failed)::bigint as failed,
    report_day > $as_of - 2 as incomplete
from session_parts
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by submitter_domain, report_day
order by submitter_domain, report_day;
