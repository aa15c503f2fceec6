-- The policies of one report
-- One row per element of its policies, in its order, with the sessions each adds to the sums.
-- report_key (VARCHAR): its key
select * exclude (carries)
from settings.row_parts
where report_key = $report_key
order by policy_ix;
