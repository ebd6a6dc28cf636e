-- Scores from 1 (worst) to 3 (best). Recency and money are cut where a third of the customers lies below, so their
-- limits move with the data; frequency has fixed limits. Few days since the last purchase are good: r is inverted.
with limits as (
    select
        percentile_cont(0.33) within group (order by recency_days) as recency_p33,
        percentile_cont(0.67) within group (order by recency_days) as recency_p67,
        percentile_cont(0.33) within group (order by monetary) as monetary_p33,
        percentile_cont(0.67) within group (order by monetary) as monetary_p67
    from {{ ref('prepare') }}
),

scored as (
    select
        customer_id,
        recency_days,
        frequency,
        monetary,
        cast(case when recency_days <= recency_p33 then 3 when recency_days <= recency_p67 then 2 else 1 end as bigint) as r,
        cast(case when frequency >= 5 then 3 when frequency >= 2 then 2 else 1 end as bigint) as f,
        cast(case when monetary <= monetary_p33 then 1 when monetary <= monetary_p67 then 2 else 3 end as bigint) as m
    from {{ ref('prepare') }}
    cross join limits
)

select *, concat(r, f, m) as rfm
from scored
