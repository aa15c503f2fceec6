-- The views of the lake: what counts, in one place.
--
-- Nothing is pasted in. Before a cursor asks, it sets one variable, `lake`: the Parquet files to read per table (a typed empty one is always
-- among them), the batches its snapshot shows, the tiers that count, whether anything is superseded, and whether every domain is ours.
-- The domains that are ours by name are in settings.own, our MX hosts in settings.mx.

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

create view superseded as
select *
from read_parquet(getvariable('lake').superseded, hive_partitioning = true, hive_types = {'report_month': varchar}, union_by_name = true)
where batch between getvariable('lake').floor and getvariable('lake').batch;

create macro tier_counts(tier) as list_contains(getvariable('lake').counted_tiers::varchar[], tier);

-- A row counts when its sender's tier does, no better report of the same identity is there, and it is about a domain of ours. A domain is ours
-- when [domains] own names it, exactly; a tlsa row also when its policy-domain is one of our MX hosts. Without own, every domain is.
create macro settings.counts(tier, rkey, for_domain, kind, base) as
    tier_counts(tier)
    and (getvariable('lake').nothing_superseded or rkey not in (select report_key from superseded))
    and (
        getvariable('lake').every_domain_ours
        or for_domain in (select domain from settings.own)
        or (kind = 'tlsa' and coalesce(base in (select host from settings.mx), false))
    );

create view reports as
select
    *,
    tier_counts(trust_tier)
    and report_key not in (select report_key from superseded)
    and (getvariable('lake').every_domain_ours or list_has_any(report_domains, (select list(domain) from settings.own))) as counted
from read_parquet(getvariable('lake').reports, hive_partitioning = true, hive_types = {'report_month': varchar}, union_by_name = true)
where batch between getvariable('lake').floor and getvariable('lake').batch;

create view policies as
select *, settings.counts(trust_tier, report_key, report_domain, policy_type, policy_domain) as counted
from read_parquet(getvariable('lake').policies, hive_partitioning = true, hive_types = {'report_month': varchar}, union_by_name = true)
where batch between getvariable('lake').floor and getvariable('lake').batch;

create view failures as
select *, settings.counts(trust_tier, report_key, report_domain, policy_type, policy_domain) as counted
from read_parquet(getvariable('lake').failures, hive_partitioning = true, hive_types = {'report_month': varchar}, union_by_name = true)
where batch between getvariable('lake').floor and getvariable('lake').batch;

create view counted_policies as
select * exclude (counted)
from policies
where counted;

create view counted_failures as
select * exclude (counted)
from failures
where counted;

-- Sessions by policy row. Where a report gives the same sessions under sts and under tlsa, the rows of one type carry them and those of the
-- other repeat them (pipeline.report.sessions): repeating rows have 0 here, so that these rows may be summed. A tlsa row that is ours by its
-- MX host alone carries its sessions, since the sts rows of that domain are not ours to count. Types we do not know carry none.
create view session_parts as
select
    report_key, policy_ix, report_month, report_day, report_domain, submitter_domain, trust_tier, policy_type,
    (policy_type in ('sts', 'tlsa') and (not coalesce(repeats_sessions, false) or not ours_by_name)) as carries,
    if(carries or policy_type = 'no-policy-found', success_count + failure_count, 0) as sessions,
    if(carries, success_count, 0) as authenticated,
    if(carries, failure_count, 0) as failed,
    if(policy_type = 'no-policy-found', success_count + failure_count, 0) as unprotected,
    if(policy_type = 'sts', success_count, 0) as sts_success,
    if(policy_type = 'sts', failure_count, 0) as sts_failure,
    if(policy_type = 'tlsa', success_count, 0) as tlsa_success,
    if(policy_type = 'tlsa', failure_count, 0) as tlsa_failure
from (
    select *, getvariable('lake').every_domain_ours or report_domain in (select domain from settings.own) as ours_by_name
    from counted_policies
);

create view sessions as
select
    report_key, report_month, report_day, report_domain, submitter_domain, trust_tier,
    any_value(policy_type) filter (carries) as counted_type,
    sum(sessions)::bigint as sessions,
    sum(authenticated)::bigint as authenticated,
    sum(failed)::bigint as failed,
    sum(unprotected)::bigint as unprotected,
    sum(sts_success)::bigint as sts_success,
    sum(sts_failure)::bigint as sts_failure,
    sum(tlsa_success)::bigint as tlsa_success,
    sum(tlsa_failure)::bigint as tlsa_failure
from session_parts
group by report_key, report_month, report_day, report_domain, submitter_domain, trust_tier;

-- What failed, mentioned once: the same failure told under sts and under tlsa is taken from the one that mentions it more often.
create view mentions as
select
    report_key, report_month, report_day, report_domain, submitter_domain, trust_tier, result_type, result_group, receiving_mx_hostname,
    receiving_ip, sending_mta_ip, failure_reason_code,
    (
        greatest(
            coalesce(sum(failed_session_count) filter (policy_type = 'sts'), 0),
            coalesce(sum(failed_session_count) filter (policy_type = 'tlsa'), 0)
        )
        + coalesce(sum(failed_session_count) filter (policy_type not in ('sts', 'tlsa')), 0)
    )::bigint as mentions
from counted_failures
group by all;

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
