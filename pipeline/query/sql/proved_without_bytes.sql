-- Authenticated reports whose mail is no longer stored
-- Per trust tier the reports that a signature or a server authenticated and whose mail is not in raw: no rebuild can apply today's rules to them.
select
    reports.trust_tier,
    count(*) as reports,
    min(reports.report_day) as first_day,
    max(reports.report_day) as last_day
from reports
left join raw on raw.message_sha256 = reports.message_sha256
where reports.trust_tier in ('verified', 'attested')
    and raw.message_sha256 is null
group by reports.trust_tier
order by reports.trust_tier desc;
