-- What the operator sees: all of it.
create view messages as
select * from settings.every_message;

create view raw as
select * from settings.every_raw;

create view checks as
select * from settings.every_check;

create macro settings.reports_of(files) as table
select * from settings.rows_of(files);

create macro settings.lines_of(files) as table
select * from settings.rows_of(files);

create view superseded as
select * from settings.rows_of(getvariable('lake').superseded);
