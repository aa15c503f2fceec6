-- Reports by trust tier
-- One row per trust tier, over the whole lake: how many reports there are, how many of them count, and how many a better authenticated copy has replaced.
with judged as (
    select trust_tier, counted, report_key in (select report_key from superseded) as superseded
    from reports
)
select
    trust_tier,
    count(*) filter (not superseded) as reports,
    count(*) filter (counted) as counted,
    count(*) filter (superseded) as superseded
from judged
group by trust_tier
order by reports desc, trust_tier;
