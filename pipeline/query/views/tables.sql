-- The tables as the snapshot shows them.
--
-- Nothing is pasted in. Before a cursor asks, it sets one variable, `lake`: the Parquet files to read of each table (a typed empty one is always
-- among them), the batches its snapshot shows, and the tiers that count. The domains that are ours are in settings.own, our MX hosts in
-- settings.mx; which of them is asked is the choice of ours_*.sql.
--
-- What is in the files is read here and nowhere else. Who sees all of it stands on whole.sql, who sees the domains of some groups on group.sql:
-- they say what reports_at, lines_at, messages, raw, checks and superseded are, and all other views and questions stand on these (decision 0045).

create view settings.every_message as
select *
from read_parquet(
    getvariable('lake').messages, hive_partitioning = true, hive_types = {'received_month': varchar}, union_by_name = true
)
where batch between getvariable('lake').floor and getvariable('lake').batch;

-- The bytes do not depend on the parser: a rebuild keeps them, so the floor does not apply.
create view settings.every_raw as
select *
from read_parquet(getvariable('lake').raw, hive_partitioning = true, hive_types = {'received_month': varchar}, union_by_name = true)
where batch <= getvariable('lake').batch;

-- What was published does not depend on the parser either. Version 0.1 wrote `bad` for error.
create view settings.every_check as
select * replace (if(severity = 'bad', 'error', severity) as severity)
from read_parquet(getvariable('lake').checks, hive_partitioning = true, hive_types = {'checked_month': varchar}, union_by_name = true)
where batch <= getvariable('lake').batch;

-- The rows of some data files of a table by month of report, as far as the snapshot shows them, each with its place: file and number in it.
create macro settings.rows_at(files) as table
select *, filename as at_file, file_row_number as at_row
from read_parquet(files, hive_partitioning = true, hive_types = {'report_month': varchar}, union_by_name = true)
where batch between getvariable('lake').floor and getvariable('lake').batch;

create macro settings.rows_of(files) as table
select * exclude (at_file, at_row)
from settings.rows_at(files);

-- What is only ever looked up by the key of a row that is seen, and so need not be limited itself: whether a better report replaced one, and what
-- the ledger says of the mail that brought it. To limit them as well would read the widest columns of all months for each question.
create view settings.replaced as
select report_key
from settings.rows_of(getvariable('lake').superseded);

create view settings.carriers as
select message_sha256, account, trust_tier, dkim_result
from settings.every_message;

-- The /24 of an IPv4 address or the /48 of an IPv6 address in canonical text; null for null. DuckDB's INET is an extension.
create macro network_of(address) as
    case
        when address is null then null
        when contains(address, '.') then regexp_replace(regexp_extract(address, '[0-9.]+$'), '[.][0-9]+$', '.0/24')
        else regexp_replace(
            array_to_string(
                (
                    list_filter(string_split(split_part(address, '::', 1), ':'), lambda part: part <> '')
                    || if(contains(address, '::'), ['0', '0', '0'], [])
                )[:3],
                ':'
            ),
            '(:0)+$|^0(:0)*$', ''
        ) || '::/48'
    end;

-- The UTC day of a moment. A cast to DATE asks for the time zone first, which takes eight times as long over a ledger.
create macro utc_day(moment) as make_timestamp(epoch_us(moment::timestamptz))::date;
