-- Rows over the limits
-- One row per table with rows that are stored and left out of every answer, because they claim more sessions than [limits] allows, or negative ones.
select table_name, row_count
from (
    select 'policies' as table_name, count(*) as row_count
    from settings.policy_rows
    where success_count < 0
        or success_count > getvariable('lake').policy_sessions
        or failure_count < 0
        or failure_count > getvariable('lake').policy_sessions
        or failure_detail_sum < 0
        or failure_detail_sum > getvariable('lake').report_sessions
        or once_authenticated < 0
        or once_authenticated > getvariable('lake').report_sessions
        or once_failed < 0
        or once_failed > getvariable('lake').report_sessions
        or once_unprotected < 0
        or once_unprotected > getvariable('lake').report_sessions
    union all
    select 'failures' as table_name, count(*) as row_count
    from settings.failure_rows
    where failed_session_count < 0
        or failed_session_count > getvariable('lake').policy_sessions
)
where row_count > 0
order by table_name;
