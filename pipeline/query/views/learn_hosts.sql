-- Which of these names are MX hosts: the configuration, a check, or the policy of a domain of the same reporter and day says so, or they are
-- below such a domain.
with about_names as (
    select distinct submitter_domain, report_day, report_domain
    from counted_policies
    where policy_type = 'tlsa'
        and report_domain in (select unnest($names::varchar[]))
),

about_domains as (
    select submitter_domain, report_day, report_domain, any_value(sts_mx) as sts_mx
    from counted_policies
    where policy_type in ('sts', 'no-policy-found')
        and (submitter_domain, report_day) in (select (submitter_domain, report_day) from about_names)
    group by submitter_domain, report_day, report_domain
)

select distinct names.report_domain
from about_names names
left join about_domains domains
    on domains.submitter_domain = names.submitter_domain
    and domains.report_day = names.report_day
where names.report_domain in (select host from settings.mx)
    or names.report_domain in (select unnest(mx_hosts) from checks)
    or names.report_domain like '%.' || domains.report_domain
    or list_contains(domains.sts_mx, names.report_domain)
order by names.report_domain;
