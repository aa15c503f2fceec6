-- Reports that do not count, and why
-- Per submitter, trust tier and reason. A report may claim any name: do not rely on an unverified one.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
select
    submitter_domain,
    trust_tier,
    case
        when s.reason = 'conflict' then 'conflict'
        when s.reason is not null then 'superseded'
        when not tier_counts(trust_tier) then 'tier'
        else 'not_our_domain'
    end as reason,
    count(*) as reports,
    min(report_day) as first_day,
    max(report_day) as last_day,
    max(received_at) as last_received_at
from reports r
left join superseded s on s.report_key = r.report_key
where r.report_day between $since and $until
    and not r.counted
group by submitter_domain, trust_tier, reason
order by reports desc, submitter_domain, trust_tier, reason;
