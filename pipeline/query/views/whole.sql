-- What the operator sees: all of it.
create view messages as
select * from settings.every_message;

create view raw as
select * from settings.every_raw;

create view checks as
select * from settings.every_check;

create macro settings.reports_at(files) as table
select * from settings.rows_at(files);

create macro settings.lines_at(files) as table
select * from settings.rows_at(files);

create view superseded as
select * from settings.rows_of(getvariable('lake').superseded);

create view settings.conflicting as
select identity
from superseded
where reason = 'conflict';

-- When mail came, and the days that reports are about.
create view settings.moments as
select received_at, ingested_at, null::date as report_day
from settings.every_message
union all
select null as received_at, null as ingested_at, report_day from settings.rows_of(getvariable('lake').reports)
union all
select null as received_at, null as ingested_at, report_day from settings.rows_of(getvariable('lake').reports_contested);
