-- The tables as the snapshot shows them.
--
-- Nothing is pasted in. Before a cursor asks, it sets one variable, `lake`: the Parquet files to read of each table (a typed empty one is always
-- among them), the batches its snapshot shows, and the tiers that count. The domains that are ours are in settings.own, our MX hosts in
-- settings.mx; which of them is asked is the choice of ours_*.sql.

create view messages as
select *
from read_parquet(
    getvariable('lake').messages, hive_partitioning = true, hive_types = {'received_month': varchar}, union_by_name = true
)
where batch between getvariable('lake').floor and getvariable('lake').batch;

-- The bytes do not depend on the parser: a rebuild keeps them, so the floor does not apply.
create view raw as
select *
from read_parquet(getvariable('lake').raw, hive_partitioning = true, hive_types = {'received_month': varchar}, union_by_name = true)
where batch <= getvariable('lake').batch;

-- What was published does not depend on the parser either.
create view checks as
select *
from read_parquet(getvariable('lake').checks, hive_partitioning = true, hive_types = {'checked_month': varchar}, union_by_name = true)
where batch <= getvariable('lake').batch;

-- The rows of some data files of a table by month of report, as far as the snapshot shows them.
create macro settings.rows_of(files) as table
select *
from read_parquet(files, hive_partitioning = true, hive_types = {'report_month': varchar}, union_by_name = true)
where batch between getvariable('lake').floor and getvariable('lake').batch;

-- What one report may claim is bounded ([limits]): rows that were stored before there was a bound, or under a higher one, are left out, so that
-- no sum can overflow. `…_rows` has them, and the question left_out_rows counts them.
create macro settings.policies_of(files) as table
select *
from settings.rows_of(files)
where success_count between 0 and getvariable('lake').policy_sessions
    and failure_count between 0 and getvariable('lake').policy_sessions
    and failure_detail_sum between 0 and getvariable('lake').report_sessions
    and (once_authenticated is null or once_authenticated between 0 and getvariable('lake').report_sessions)
    and (once_failed is null or once_failed between 0 and getvariable('lake').report_sessions)
    and (once_unprotected is null or once_unprotected between 0 and getvariable('lake').report_sessions);

create macro settings.failures_of(files) as table
select *
from settings.rows_of(files)
where failed_session_count between 0 and getvariable('lake').policy_sessions;

create view superseded as
select * from settings.rows_of(getvariable('lake').superseded);

-- Reports, policies and failures come in two halves: months in which nothing was superseded, whose rows need not be looked up, and the others.
-- The look-up reads report_key, the widest column there is. `…_rows` has the rows whether they stand or not, for counting them without it.

create view settings.report_rows as
select * from settings.rows_of(getvariable('lake').reports)
union all by name
select * from settings.rows_of(getvariable('lake').reports_contested);

create view settings.all_reports as
select *, true as stands from settings.rows_of(getvariable('lake').reports)
union all by name
select *, report_key not in (select report_key from superseded) as stands from settings.rows_of(getvariable('lake').reports_contested);

create view settings.policy_rows as
select * from settings.rows_of(getvariable('lake').policies)
union all by name
select * from settings.rows_of(getvariable('lake').policies_contested);

create view settings.all_policies as
select *, true as stands from settings.policies_of(getvariable('lake').policies)
union all by name
select *, report_key not in (select report_key from superseded) as stands from settings.policies_of(getvariable('lake').policies_contested);

create view settings.failure_rows as
select * from settings.rows_of(getvariable('lake').failures)
union all by name
select * from settings.rows_of(getvariable('lake').failures_contested);

create view settings.all_failures as
select *, true as stands from settings.failures_of(getvariable('lake').failures)
union all by name
select *, report_key not in (select report_key from superseded) as stands from settings.failures_of(getvariable('lake').failures_contested);

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
