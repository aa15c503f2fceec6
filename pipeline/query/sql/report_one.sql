-- One report
-- The report with this key, what it claims, how far it is proved, whether it counts.
-- report_key (VARCHAR): its key
select *
from reports
where report_key = $report_key
order by report_key;
