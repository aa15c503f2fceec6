-- Rows by table
-- One row per table of the lake.
select table_name, row_count
from (
    select 'messages' as table_name, count(*) as row_count
    from messages
    union all
    select 'raw' as table_name, count(*) as row_count
    from raw
    union all
    select 'reports' as table_name, count(*) as row_count
    from settings.report_rows
    union all
    select 'policies' as table_name, count(*) as row_count
    from settings.policy_rows
    union all
    select 'failures' as table_name, count(*) as row_count
    from settings.failure_rows
    union all
    select 'superseded' as table_name, count(*) as row_count
    from superseded
)
order by table_name;
