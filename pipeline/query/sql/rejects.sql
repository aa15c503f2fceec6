-- What could not be read, and why
-- Messages that were quarantined, and reports that were refused in a message that held others, newest first.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
-- code (VARCHAR = null): one reject code; null for all
-- at_most (BIGINT = 1000): how many
select
    message_sha256,
    received_at,
    account,
    folder,
    uid,
    item,
    from_domain,
    subject,
    size_bytes,
    outcome,
    reject_code,
    reject_detail
from messages
where utc_day(received_at) between $since and $until
    and (outcome in ('quarantined', 'too_large') or (reject_code is not null and outcome not in ('not_tlsrpt', 'duplicate')))
    and ($code is null or reject_code = $code)
order by received_at desc, message_sha256, account, folder, uid
limit $at_most;
