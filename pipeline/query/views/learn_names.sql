-- Names that only tlsa policies are ever reported of, as the name of an MX host may be.
select report_domain
from counted_policies
group by report_domain
having bool_and(policy_type = 'tlsa') and bool_or(policy_domain = report_domain)
order by report_domain;
