-- Mailboxes and folders
-- One row per account and folder (of what was posted one row, whoever sent it): how many messages, when mail was last received, when last ingested; waiting mails need another DKIM key look-up.
select
    account,
    folder,
    count(*) as messages,
    max(received_at) as last_received_at,
    max(ingested_at) as last_ingested_at,
    count(*) filter (dkim_result = 'temperror' and outcome in ('stored', 'conflict')) as waiting_for_dns,
    count(distinct uidvalidity) as uidvalidities
from (select * replace (case when account = 'posted' then '' else folder end as folder) from messages)
group by account, folder
order by account, folder;
