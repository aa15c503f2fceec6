-- Reports by the names their senders gave them
-- Day, reporter and report-id of some reports: what a ticket needs, newest first.
-- keys (VARCHAR[]): their report keys
select report_key, report_day, submitter_domain, report_id
from reports
where report_key in (select unnest($keys))
order by report_day desc, submitter_domain, report_id, report_key;
