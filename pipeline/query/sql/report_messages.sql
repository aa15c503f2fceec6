-- The messages that carried one report
-- Where it came from, and what authentication said, first received first.
-- report_key (VARCHAR): its key
select *
from messages
where list_contains(report_keys, $report_key)
order by received_at, account, folder, uid, message_sha256;
