-- The policies of one report
-- One row per element of its policies, in its order.
-- report_key (VARCHAR): its key
select *
from policies
where report_key = $report_key
order by policy_ix;
