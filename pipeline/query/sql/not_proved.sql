-- Reports that do not count because their sender is not proved
-- Per claimed submitter and result of the signature check, over the whole lake; a report that a better one has replaced is left out.
with checked as (
    select message_sha256, any_value(dkim_result) as dkim_result
    from messages
    group by message_sha256
)
select
    r.submitter_domain,
    r.trust_tier,
    checked.dkim_result,
    count(*) as reports,
    min(r.report_day) as first_day,
    max(r.report_day) as last_day,
    max(r.received_at) as last_received_at
from reports r
left join checked on checked.message_sha256 = r.message_sha256
where not tier_counts(r.trust_tier)
    and r.report_key not in (select report_key from superseded)
group by r.submitter_domain, r.trust_tier, checked.dkim_result
order by reports desc, r.submitter_domain, r.trust_tier, checked.dkim_result nulls last;
