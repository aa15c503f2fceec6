select submitter_domain
from submitters
where both_types_are = 'apart'
order by submitter_domain;
