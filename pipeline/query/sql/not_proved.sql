-- Unauthenticated reports
-- Per claimed submitter and result of the signature check, over the whole lake; a report that a better one has replaced is left out.
with unproved as (
    select report_key, submitter_domain, trust_tier, message_sha256, report_day, received_at
    from reports
    where not tier_counts(trust_tier)
        and report_key not in (select report_key from settings.replaced)
),
checked as (
    select message_sha256, any_value(dkim_result) as dkim_result
    from messages
    where not tier_counts(trust_tier)
    group by message_sha256
)
select
    unproved.submitter_domain,
    unproved.trust_tier,
    checked.dkim_result,
    count(*) as reports,
    min(unproved.report_day) as first_day,
    max(unproved.report_day) as last_day,
    max(unproved.received_at) as last_received_at
from unproved
left join checked on checked.message_sha256 = unproved.message_sha256
group by unproved.submitter_domain, unproved.trust_tier, checked.dkim_result
order by reports desc, unproved.submitter_domain, unproved.trust_tier, checked.dkim_result nulls last;
