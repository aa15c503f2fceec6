-- The failure details of one report
-- One row per failure detail, in its order.
-- report_key (VARCHAR): its key
select *
from failures
where report_key = $report_key
order by policy_ix, failure_ix;
