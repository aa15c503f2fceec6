-- The bytes of the mail that carried a report, for whoever sees the report; a group is given its part of the JSON, and never these.
select content
from settings.every_raw
where message_sha256 = $message_sha256
limit 1;
