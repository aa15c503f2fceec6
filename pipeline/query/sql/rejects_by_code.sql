-- Rejects by code
-- Per reject code and sender: how many messages, since when.
-- since (DATE): first day, inclusive, UTC
-- until (DATE): last day, inclusive, UTC
select
    reject_code,
    from_domain,
    count(*) as messages,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at
from messages
where utc_day(received_at) between $since and $until
    and (outcome in ('quarantined', 'too_large') or (reject_code is not null and outcome not in ('not_tlsrpt', 'duplicate')))
group by reject_code, from_domain
order by messages desc, reject_code, from_domain nulls last;
