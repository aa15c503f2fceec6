-- Which of these names are MX hosts that a submitter reports on beside the domains of the same day: a report with tlsa policies alone gives
-- the name, and the configuration, a check, the policy of such a domain, the policy-domain of a tlsa policy that is not the recipient's, or
-- its place below such a domain shows that it is an MX host. Where the report is about a domain all the same, another of that day is, too: a
-- sender that tells of a domain with DANE alone reports on no host. Nor does one that reports each session under one policy.
with about_names as (
    select distinct submitter_domain, report_day, report_domain, policy_domain, host
    from (
        select submitter_domain, report_day, report_domain, policy_domain, unnest([report_domain, policy_domain] || mx_host) as host
        from counted_policies
        where policy_type = 'tlsa'
            and once_failed is null
            and submitter_domain not in (select submitter_domain from submitters where both_types_are = 'apart')
    )
    where host in (select unnest($names::varchar[]))
),

named_beside as (
    select distinct host
    from about_names
    where host = policy_domain and host <> report_domain
),

about_domains as (
    select submitter_domain, report_day, report_domain, any_value(sts_mx) as sts_mx
    from counted_policies
    where policy_type in ('sts', 'no-policy-found')
        and (submitter_domain, report_day) in (select (submitter_domain, report_day) from about_names)
    group by submitter_domain, report_day, report_domain
)

select distinct names.host
from about_names names
inner join about_domains domains
    on domains.submitter_domain = names.submitter_domain
    and domains.report_day = names.report_day
where names.host not in (select domain from settings.own)
    and names.report_domain in (names.host, domains.report_domain)
    and (
        names.host in (select host from settings.mx)
        or names.host in (select unnest(mx_hosts) from checks)
        or names.host in (select host from named_beside)
        or names.host like '%.' || domains.report_domain
        or list_contains(domains.sts_mx, names.host)
    )
order by names.host;
