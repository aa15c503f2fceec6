-- Where in some contested files of a table the rows are of reports that were replaced, or are disputed; the key where they are disputed.
select
    -- From 0, after the typed empty file.
    coalesce(list_position(getvariable('lake').marked, at_file) - 2, error('a data file has another name'))::bigint as place,
    at_row,
    if(report_key in (select unnest($disputed::varchar[])), report_key, null) as report_key
from settings.rows_at(getvariable('lake').marked)
where
    report_key in (
        select report_key from settings.replaced
        union all
        select unnest($disputed::varchar[])
    );
