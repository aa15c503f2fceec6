-- Conflicts: one identity, several contents
-- Reports of the same sender, id, window and domains that differ in content; the one that counts, and the others.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
with chosen as (
    select *
    from reports
    where report_day between $since and $until
        and identity in (select identity from superseded)
),
several as (
    select identity
    from chosen
    group by identity
    having count(distinct content_sha256) > 1
)
select
    chosen.identity,
    chosen.report_key,
    chosen.content_sha256,
    chosen.report_day,
    chosen.report_domains,
    chosen.submitter_domain,
    chosen.trust_tier,
    chosen.organization_name,
    chosen.report_id,
    chosen.counted,
    chosen.received_at,
    chosen.message_sha256
from chosen
inner join several on several.identity = chosen.identity
order by chosen.report_day desc, chosen.identity, chosen.counted desc, chosen.report_key;
