-- The messages that carried one report
-- Where it came from, and what authentication said, first received first. The ledger is long: a period makes it quick.
-- report_key (VARCHAR): its key
-- since (DATE = null): first day received to look at; null for all
-- until (DATE = null): last day received to look at; null for all
select *
from messages
where list_contains(report_keys, $report_key)
    and ($since is null or utc_day(received_at) >= $since)
    and ($until is null or utc_day(received_at) <= $until)
order by received_at, account, folder, uid, message_sha256;
