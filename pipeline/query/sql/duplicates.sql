-- Duplicates
-- By mailbox and day received: retries, several addresses in rua, or a folder read again after UIDVALIDITY changed.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
select
    account,
    folder,
    utc_day(received_at) as received_day,
    from_domain,
    count(*) as messages,
    count(distinct message_sha256) as distinct_messages
from messages
where utc_day(received_at) between $since and $until
    and outcome = 'duplicate'
group by account, folder, received_day, from_domain
order by received_day desc, account, folder, from_domain nulls last;
