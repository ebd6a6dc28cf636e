-- Features: one row per customer, as of the cutoff.
-- source('orders') holds only purchases before the cutoff, so nothing here can look ahead. The same query makes the
-- training rows (as of past dates) and the rows to score.
select
    customer_id,
    date_diff('day', max(ordered_at), {{ run_date }}) as recency_days,
    date_diff('day', min(ordered_at), {{ run_date }}) as tenure_days,
    count(*) as orders,
    count(*) filter (where ordered_at >= {{ run_date }} - 90) as orders_90d,
    cast(sum(cds) as bigint) as cds,
    {{ spent_in_last(run_date, 30) }} as spent_30d,
    {{ spent_in_last(run_date, 90) }} as spent_90d,
    {{ spent_in_last(run_date, 180) }} as spent_180d,
    -- Money is rounded: adding floats in another order must not change a feature.
    round(sum(amount), 2) as spent,
    round(round(sum(amount), 2) / count(*), 2) as mean_basket,
    max(amount) as largest_basket
from {{ source('orders') }}
group by customer_id
