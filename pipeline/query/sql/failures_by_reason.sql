-- Failures by reason code
-- Per result type and failure-reason-code, as the sender wrote it.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    result_type,
    failure_reason_code,
    sum(mentions)::bigint as mentions,
    count(distinct submitter_domain) as reporters,
    min(report_day) as first_day,
    max(report_day) as last_day
from mentions
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by result_type, failure_reason_code
order by mentions desc, result_type, failure_reason_code nulls last;
