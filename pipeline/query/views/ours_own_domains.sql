-- A domain is ours when [domains] own names it, exactly: a subdomain is a domain of its own.
create macro settings.domain_is_ours(name) as name in (select domain from settings.own);

create macro settings.row_is_ours(name, kind, base) as name in (select domain from settings.own);

create macro settings.report_is_ours(rkey, names) as list_has_any(names, (select list(domain) from settings.own));
