-- A domain is ours when [domains] own names it, exactly: a subdomain is a domain of its own. A tlsa row is ours also when its policy-domain,
-- the MX host in the words of RFC 8460 §1.1, is one of [domains] mx; a report is when one of its rows is.
create macro settings.domain_is_ours(name) as name in (select domain from settings.own);

create macro settings.row_is_ours(name, kind, base) as
    name in (select domain from settings.own) or (kind = 'tlsa' and coalesce(base in (select host from settings.mx), false));

create macro settings.report_is_ours(rkey, names) as
    list_has_any(names, (select list(domain) from settings.own))
    or rkey in (
        select report_key
        from settings.policies_of(getvariable('lake').policies || getvariable('lake').policies_contested)
        where policy_type = 'tlsa' and policy_domain in (select host from settings.mx)
    );
