-- Reports of the same identity
-- All reports with the identity of this one, it included: which counts, which was superseded by which, and why.
-- report_key (VARCHAR): its key
with chosen as (
    select identity, report_day
    from reports
    where report_key = $report_key
)
select
    r.report_key,
    r.trust_tier,
    r.content_sha256,
    r.counted,
    s.superseded_by,
    s.reason,
    r.received_at,
    r.message_sha256
from reports r
inner join chosen on chosen.identity = r.identity and chosen.report_day = r.report_day
left join superseded s on s.report_key = r.report_key
order by r.counted desc, r.received_at, r.report_key;
