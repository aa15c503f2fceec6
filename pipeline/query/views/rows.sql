-- The rows of reports, policies and failures, of whichever of them are seen (whole.sql or group.sql).
--
-- What one report may claim is bounded ([limits]): rows that were stored before there was a bound, or under a higher one, are left out, so that
-- no sum can overflow. `…_rows` has them, and the question left_out_rows counts them. The statistics of a file say that its counts are bounded, and
-- they are not read for it; of the columns that may be null they do not, so that a cursor is told where it is known of all files.
create macro settings.policies_at(files) as table
select *
from settings.lines_at(files)
where success_count between 0 and getvariable('lake').policy_sessions
    and failure_count between 0 and getvariable('lake').policy_sessions
    and failure_detail_sum between 0 and getvariable('lake').report_sessions
    and (
        getvariable('lake').once_bounded
        or (
            (once_authenticated is null or once_authenticated between 0 and getvariable('lake').report_sessions)
            and (once_failed is null or once_failed between 0 and getvariable('lake').report_sessions)
            and (once_unprotected is null or once_unprotected between 0 and getvariable('lake').report_sessions)
        )
    );

create macro settings.failures_at(files) as table
select *
from settings.lines_at(files)
where failed_session_count between 0 and getvariable('lake').policy_sessions;

create macro settings.reports_of(files) as table
select * exclude (at_file, at_row) from settings.reports_at(files);

create macro settings.lines_of(files) as table
select * exclude (at_file, at_row) from settings.lines_at(files);

create macro settings.policies_of(files) as table
select * exclude (at_file, at_row) from settings.policies_at(files);

create macro settings.failures_of(files) as table
select * exclude (at_file, at_row) from settings.failures_at(files);

-- Reports, policies and failures come in two halves: months in which nothing was superseded, all of whose rows stand, and the others. Of these a
-- cursor is told where the rows are that a better report has replaced, or that are disputed (learn_marks.sql): by place, since
-- report_key is the widest column there is. `…_rows` has the rows whether they stand or not, for counting them without it.
create view settings.marks as
select * replace (getvariable('lake').root || at_file as at_file)
from read_parquet(getvariable('lake').marks, hive_partitioning = false);

create view settings.report_rows as
select * from settings.reports_of(getvariable('lake').reports)
union all by name
select * from settings.reports_of(getvariable('lake').reports_contested);

create view settings.all_reports as
select *, true as stands from settings.reports_of(getvariable('lake').reports)
union all by name
select rows_at.* exclude (at_file, at_row), coalesce(marks.stands, true) as stands
from settings.reports_at(getvariable('lake').reports_contested) rows_at
left join settings.marks marks on marks.at_file = rows_at.at_file and marks.at_row = rows_at.at_row;

create view settings.policy_rows as
select * from settings.lines_of(getvariable('lake').policies)
union all by name
select * from settings.lines_of(getvariable('lake').policies_contested);

create view settings.all_policies as
select *, true as stands from settings.policies_of(getvariable('lake').policies)
union all by name
select rows_at.* exclude (at_file, at_row), coalesce(marks.stands, true) as stands
from settings.policies_at(getvariable('lake').policies_contested) rows_at
left join settings.marks marks on marks.at_file = rows_at.at_file and marks.at_row = rows_at.at_row;

create view settings.failure_rows as
select * from settings.lines_of(getvariable('lake').failures)
union all by name
select * from settings.lines_of(getvariable('lake').failures_contested);

create view settings.all_failures as
select *, true as stands from settings.failures_of(getvariable('lake').failures)
union all by name
select rows_at.* exclude (at_file, at_row), coalesce(marks.stands, true) as stands
from settings.failures_at(getvariable('lake').failures_contested) rows_at
left join settings.marks marks on marks.at_file = rows_at.at_file and marks.at_row = rows_at.at_row;
