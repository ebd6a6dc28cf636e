-- Conversions: of the customers scored on a date, how many bought in the week after it, by bid?
-- Every date's features are kept (ltv_v1_prepare), so a later date tells what happened since.
--   augury query --file reports/conversions.sql
select
    scored.run_date,
    scored.bid_multiplier,
    count(*) as customers,
    count(*) filter (where later.orders > then_.orders) as conversions,
    round(count(*) filter (where later.orders > then_.orders) / count(*), 3) as conversion_rate,
    round(sum(later.spent - then_.spent), 2) as revenue
from ltv_predictions as scored
inner join ltv_v1_prepare as then_
    on scored.customer_id = then_.customer_id and scored.run_date = then_.run_date
inner join ltv_v1_prepare as later
    on scored.customer_id = later.customer_id and later.run_date = scored.run_date + 7
group by all
order by scored.run_date, scored.bid_multiplier desc
