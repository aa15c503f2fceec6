-- Known domains
-- Every domain some report is about, counted or not, and every domain that was checked: for suggestions on mistyped names.
-- domain (VARCHAR = null): one domain; null for all
-- at_most (BIGINT = 5000): how many, those with most reports first
with known as (
    select report_domain, report_key, report_day
    from settings.policy_rows
    where report_domain is not null
        and ($domain is null or report_domain = $domain)
        and report_key not in (select report_key from settings.replaced)
    union all
    select domain as report_domain, null as report_key, null as report_day
    from checks
    where $domain is null or domain = $domain
)
select report_domain, count(distinct report_key) as reports, min(report_day) as first_day, max(report_day) as last_day
from known
group by report_domain
order by reports desc, report_domain
limit $at_most;
