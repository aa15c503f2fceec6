select submitter_domain, both_types_are
from submitters
where both_types_are in ('apart', 'same')
order by submitter_domain;
