-- Where in some contested files of a table the rows are of reports that were replaced, or are disputed.
select at_file, at_row, report_key
from settings.rows_at(getvariable('lake').marked)
where report_key in (select report_key from settings.replaced union all select unnest($disputed::varchar[]))
order by at_file, at_row;
