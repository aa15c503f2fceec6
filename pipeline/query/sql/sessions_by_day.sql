-- Sessions by day
-- How many sessions used authenticated TLS, how many failed, and how many found no policy, by UTC day; days that may still get reports are marked.
-- since (DATE): first day, inclusive
-- until (DATE): last day, inclusive
-- as_of (DATE): the day of asking: two days before it and earlier are complete
-- domain (VARCHAR = null): one report domain; null for all
-- tiers (VARCHAR[] = null): trust tiers, narrower than those that count; null for these
select
    report_day,
    sum(sessions)::bigint as sessions,
    sum(authenticated)::bigint as authenticated,
    sum(failed)::bigint as failed,
    sum(unprotected)::bigint as unprotected,
    sum(authenticated) / nullif(sum(sessions), 0) as success_rate,
    count(distinct submitter_domain) as reporters,
    report_day > $as_of::date - 2 as incomplete
from session_parts
where report_day between $since and $until
    and ($domain::varchar is null or report_domain = $domain)
    and ($tiers::varchar[] is null or list_contains($tiers, trust_tier))
group by report_day
order by report_day;
