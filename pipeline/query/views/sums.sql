-- Session parts and mentions for questions that add them up, over sums of whole months where these were made (see `month_sums`), else over the
-- rows. Of a month that the period covers, and of all domains, the coarse grains do: sums by day and reporter, or by day and domain, beside rows
-- that add nothing and only name who or what else there was, so that counts of distinct names come out as over the rows. Else it is the fine
-- one: day, domain, reporter, tier, policy type.

create macro settings.sums_of(files) as table
select *
from read_parquet(files, hive_partitioning = false);

-- The rows of the months without sums, the coarse grain and the names beside it of whole months, and the fine one of the others. Macros, since
-- views would be planned whenever a lake is opened, whatever is asked then.
create macro settings.session_sums(coarse, beside) as table
select
    report_day, report_domain, submitter_domain, trust_tier, policy_type, sessions, authenticated, failed, unprotected, sts_success,
    sts_failure, tlsa_success, tlsa_failure, rated
from session_parts
union all by name
select * exclude (grain, result_type, result_group, mentions)
from settings.sums_of(getvariable('lake').sums_whole)
where grain = coarse or grain = beside
union all by name
select * exclude (grain, result_type, result_group, mentions)
from settings.sums_of(getvariable('lake').sums_part)
where grain = 'fine';

create macro settings.mentions_summed() as table
select report_day, report_domain, submitter_domain, trust_tier, result_type, result_group, mentions
from mentions
union all by name
select report_day, report_domain, submitter_domain, trust_tier, result_type, result_group, mentions
from settings.sums_of(getvariable('lake').sums_whole)
where grain = 'failed'
union all by name
select report_day, report_domain, submitter_domain, trust_tier, result_type, result_group, mentions
from settings.sums_of(getvariable('lake').sums_part)
where grain = 'failed of domain';
