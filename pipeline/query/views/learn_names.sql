-- Names that a report with tlsa policies alone gives to what it is about, where they may be those of an MX host.
with alone as (
    select report_domain, policy_domain, mx_host
    from counted_policies
    where policy_type = 'tlsa' and once_failed is null
),

named as (
    select report_domain as host from alone
    union
    select policy_domain as host from alone
    union
    select unnest(mx_host) as host from alone
)

select host
from named
where host not in (select report_domain from counted_policies where policy_type in ('sts', 'no-policy-found'))
order by host;
