-- Without [domains] own, every domain is ours.
create macro settings.domain_is_ours(name) as true;

create macro settings.row_is_ours(name, kind, base) as true;

create macro settings.report_is_ours(rkey, names) as true;
