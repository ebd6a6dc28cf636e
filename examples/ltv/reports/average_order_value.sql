-- Average order value of the last 90 days, as it was known on each run date.
--   augury query --file reports/average_order_value.sql
select
    run_date,
    sum(orders_90d) as orders,
    round(sum(spent_90d), 2) as revenue,
    round(sum(spent_90d) / nullif(sum(orders_90d), 0), 2) as average_order_value
from ltv_v1_prepare
group by run_date
order by run_date
