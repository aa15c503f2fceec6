-- Which of some files of policies have a row over the bounds of [limits] in one of the columns that may be null.
select distinct at_file
from settings.rows_at(getvariable('lake').marked)
where once_authenticated not between 0 and getvariable('lake').report_sessions
    or once_failed not between 0 and getvariable('lake').report_sessions
    or once_unprotected not between 0 and getvariable('lake').report_sessions
order by at_file;
