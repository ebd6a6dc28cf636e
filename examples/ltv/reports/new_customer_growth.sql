-- New customers: who bought for the first time in the 30 days before a run date, and how the base grew since the
-- date before it. This shop found its customers in the first quarter of 1997; features alone are enough to see it:
--   augury backfill ltv --start 1997-02-01 --end 1997-04-01 --step prepare
--   augury query --file reports/new_customer_growth.sql
with base as (
    select
        run_date,
        count(*) as customers,
        count(*) filter (where tenure_days <= 30) as new_customers
    from ltv_v1_prepare
    group by run_date
)

select
    run_date,
    customers,
    new_customers,
    customers - lag(customers) over (order by run_date) as grown_by,
    round(new_customers / customers, 3) as share_new
from base
order by run_date
