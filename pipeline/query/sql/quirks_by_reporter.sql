-- Deviations from the standard by reporter
-- Per submitter and quirk code: in how many of its reports it was tolerated; one row with a null code counts the reports without any.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
with chosen as (
    select submitter_domain, report_day, quirks
    from reports
    where report_day between $since and $until
        and ($tiers is null or list_contains($tiers, trust_tier))
),
totals as (
    select submitter_domain, count(*) as all_reports
    from chosen
    group by submitter_domain
),
codes as (
    select submitter_domain, report_day, unnest(if(len(quirks) = 0, [null], quirks)) as quirk
    from chosen
)
select
    codes.submitter_domain,
    codes.quirk,
    count(*) as reports,
    any_value(totals.all_reports) as all_reports,
    min(codes.report_day) as first_day,
    max(codes.report_day) as last_day
from codes
inner join totals on totals.submitter_domain = codes.submitter_domain
group by codes.submitter_domain, codes.quirk
order by codes.submitter_domain, reports desc, codes.quirk nulls last;
