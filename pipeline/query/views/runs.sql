-- Looks into mailboxes, the newest 1,000 of each: a note of the lake and no table (pipeline.lake.looks), told to the cursor with its variable.
create view runs as
select run.*
from (
    select
        unnest(
            from_json(
                getvariable('lake').runs::json,
                '[{"mailbox": "VARCHAR", "run_id": "VARCHAR", "began_at": "TIMESTAMPTZ", "ended_at": "TIMESTAMPTZ", '
                || '"exit_code": "BIGINT", "error": "VARCHAR", "messages": "BIGINT"}]'
            )
        ) as run
);
