-- Messages by outcome
-- One row per outcome, over the whole lake.
select outcome, count(*) as messages
from messages
group by outcome
order by messages desc, outcome;
