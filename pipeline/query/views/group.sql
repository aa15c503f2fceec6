-- What the readers of some groups see: what a lake of their own would show (decision 0045). `seen` has the names of their domains, `seen_below`
-- endings. Where a cursor was told neither, nothing is seen.

create macro settings.is_among(name) as
    list_contains(getvariable('lake').seen::varchar[], name)
    or len(list_filter(getvariable('lake').seen_below::varchar[], lambda tail: ends_with(name, tail))) > 0;

-- Policies and failures: one row is about one domain. The semi-join is what makes it quick where there are names alone.
create macro settings.lines_at(files) as table
select *
from settings.rows_at(files)
where (
        report_domain in (select unnest(getvariable('lake').seen::varchar[]))
        or (len(getvariable('lake').seen_below::varchar[]) > 0 and settings.is_among(report_domain))
    )
    and list_contains(getvariable('lake').counted_tiers::varchar[], trust_tier);

-- A report with its other domains cut off. Where there are any, what is told of the whole report is withheld: numbers of elements, deviations,
-- digests by which a guess could be tried, the id, in which senders write domains as they like, and names that speak of another domain.
create macro settings.reports_at(files) as table
select
    * exclude (others) replace (
        list_filter(report_domains, lambda name: settings.is_among(name)) as report_domains,
        if(len(others) = 0, identity, sha256(getvariable('lake').salt || identity)) as identity,
        if(len(others) = 0, content_sha256, sha256(getvariable('lake').salt || content_sha256)) as content_sha256,
        if(settings.speaks_of(organization_name, others), null, organization_name) as organization_name,
        if(settings.speaks_of(contact_info, others), null, contact_info) as contact_info,
        if(len(others) = 0, report_id, '(withheld)') as report_id,
        if(len(others) = 0, policy_count, null) as policy_count,
        if(len(others) = 0, failure_detail_count, null) as failure_detail_count,
        if(len(others) = 0, quirks, []) as quirks,
        if(len(others) = 0, unknown_members, []) as unknown_members,
        if(len(others) = 0, unknown_member_count, null) as unknown_member_count
    )
from (
    select *, list_filter(report_domains, lambda name: not settings.is_among(name)) as others
    from settings.rows_at(files)
    -- Almost all reports are about one domain: looked up by hash, and no list is walked through. `case` keeps that order; of `and` and `or` the
    -- optimizer makes its own, and walks through every list first.
    where list_contains(getvariable('lake').counted_tiers::varchar[], trust_tier)
        and (
            report_domains[1] in (select unnest(getvariable('lake').seen::varchar[]))
            or case when len(report_domains) > 1 then list_has_any(report_domains, getvariable('lake').seen::varchar[]) else false end
            or (
                len(getvariable('lake').seen_below::varchar[]) > 0
                and len(list_filter(report_domains, lambda name: settings.is_among(name))) > 0
            )
        )
);

-- Whether words name one of these; what is not ASCII may name one that is stored as an A-label.
create macro settings.speaks_of(words, names) as
    len(list_filter(names, lambda name: contains(lower(words), name) or (contains(name, 'xn--') and not regexp_full_match(words, '[ -~]*')))) > 0;

create view superseded as
select settled.* replace (seen.identity as identity)
from settings.rows_of(getvariable('lake').superseded) settled
inner join settings.reports_at(getvariable('lake').reports_contested) seen on seen.report_key = settled.report_key;

-- Of a report about several domains the identity is salted.
create view settings.conflicting as
select unnest([identity, sha256(getvariable('lake').salt || identity)]) as identity
from settings.rows_of(getvariable('lake').superseded)
where reason = 'conflict';

create view checks as
select *
from settings.every_check
where settings.is_among(domain);

create view raw as
select *
from settings.every_raw
where false;

-- Mails are the operator's; what was proved of a report is in its row.
create view messages as
select *
from settings.every_message
where false;

create view settings.moments as
select received_at, ingested_at, report_day from settings.reports_at(getvariable('lake').reports)
union all
select received_at, ingested_at, report_day from settings.reports_at(getvariable('lake').reports_contested);
