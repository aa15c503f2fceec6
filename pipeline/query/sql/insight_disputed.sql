-- Disputed reports: one identity, several contents, and each may be the forged one
-- Days on which a sender's report about a domain has several contents of one trust tier; verdicts take the worst of each.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- domain (VARCHAR = null): one report domain; null for all
select
    p.report_domain,
    p.report_day,
    p.submitter_domain,
    count(distinct p.identity) as reports
from settings.disputed_policies p
where p.report_day between $since and $until
    and tier_counts(p.trust_tier)
    and ($domain is null or p.report_domain = $domain)
group by p.report_domain, p.report_day, p.submitter_domain
order by p.report_domain, p.report_day, p.submitter_domain;
