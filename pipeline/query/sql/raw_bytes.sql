-- The bytes of one message as received
-- Stored, conflicting and quarantined messages keep theirs until they expire.
-- message_sha256 (VARCHAR): its sha256
select content
from raw
where message_sha256 = $message_sha256
order by size_bytes
limit 1;
