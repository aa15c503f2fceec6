-- How far the senders are proved
-- One row per trust tier, over the whole lake: how many reports there are, and how many of them count.
select trust_tier, count(*) as reports, count(*) filter (counted) as counted
from reports
group by trust_tier
order by reports desc, trust_tier;
