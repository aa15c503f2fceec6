-- The rows of reports, policies and failures, of whichever of them are seen (whole.sql or group.sql).
--
-- What one report may claim is bounded ([limits]): rows that were stored before there was a bound, or under a higher one, are left out, so that
-- no sum can overflow. `…_rows` has them, and the question left_out_rows counts them.
create macro settings.policies_of(files) as table
select *
from settings.lines_of(files)
where success_count between 0 and getvariable('lake').policy_sessions
    and failure_count between 0 and getvariable('lake').policy_sessions
    and failure_detail_sum between 0 and getvariable('lake').report_sessions
    and (once_authenticated is null or once_authenticated between 0 and getvariable('lake').report_sessions)
    and (once_failed is null or once_failed between 0 and getvariable('lake').report_sessions)
    and (once_unprotected is null or once_unprotected between 0 and getvariable('lake').report_sessions);

create macro settings.failures_of(files) as table
select *
from settings.lines_of(files)
where failed_session_count between 0 and getvariable('lake').policy_sessions;

-- Reports, policies and failures come in two halves: months in which nothing was superseded, whose rows need not be looked up, and the others.
-- The look-up reads report_key, the widest column there is. `…_rows` has the rows whether they stand or not, for counting them without it.

create view settings.report_rows as
select * from settings.reports_of(getvariable('lake').reports)
union all by name
select * from settings.reports_of(getvariable('lake').reports_contested);

create view settings.all_reports as
select *, true as stands from settings.reports_of(getvariable('lake').reports)
union all by name
select *, report_key not in (select report_key from settings.replaced) as stands from settings.reports_of(getvariable('lake').reports_contested);

create view settings.policy_rows as
select * from settings.lines_of(getvariable('lake').policies)
union all by name
select * from settings.lines_of(getvariable('lake').policies_contested);

create view settings.all_policies as
select *, true as stands from settings.policies_of(getvariable('lake').policies)
union all by name
select *, report_key not in (select report_key from settings.replaced) as stands from settings.policies_of(getvariable('lake').policies_contested);

create view settings.failure_rows as
select * from settings.lines_of(getvariable('lake').failures)
union all by name
select * from settings.lines_of(getvariable('lake').failures_contested);

create view settings.all_failures as
select *, true as stands from settings.failures_of(getvariable('lake').failures)
union all by name
select *, report_key not in (select report_key from settings.replaced) as stands from settings.failures_of(getvariable('lake').failures_contested);
