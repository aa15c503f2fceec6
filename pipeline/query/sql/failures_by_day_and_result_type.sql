-- Failures by day and result type
-- Per UTC day: how often each result type was mentioned. Mentions may overlap: one session can fail in two ways.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- as_of (DATE): the as-of date; days after the second day before it may still get reports
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    report_day,
    result_type,
    any_value(result_group) as result_group,
    sum(mentions)::bigint as mentions,
    count(distinct submitter_domain) as reporters,
    report_day > $as_of - 2 as incomplete
from settings.mentions_summed()
where report_day between $since and $until
    and ($domain is null or report_domain = $domain)
    and ($tiers is null or list_contains($tiers, trust_tier))
group by report_day, result_type
order by report_day, result_type;
