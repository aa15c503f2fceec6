-- Stored messages by sha256 prefix
-- The sha256 and size of the kept bytes.
-- prefix (VARCHAR): the first digits of message_sha256
select message_sha256, size_bytes
from raw
where starts_with(message_sha256, lower($prefix))
order by message_sha256
limit 10;
