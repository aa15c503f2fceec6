-- The reports of contested months that share an identity and the tier of the one that counts: one row each. Looked up once for a state of the lake,
-- since a dozen questions ask it, and it reads the two widest columns of these months.
with held as (
    select
        report_key, identity, trust_tier,
        report_key not in (select report_key from settings.replaced) as stands
    from settings.reports_of(getvariable('lake').reports_contested)
    where identity in (select identity from settings.conflicting)
),
best as (
    select identity, any_value(trust_tier) filter (where stands) as trust_tier
    from held
    group by identity
)
select
    held.report_key, held.identity, held.stands,
    count(*) over (partition by held.identity) as contents
from held
inner join best on best.identity = held.identity and best.trust_tier = held.trust_tier
qualify contents > 1;
