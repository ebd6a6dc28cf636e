-- The 720 days that end with the last one known: run date 1998-06-15 sees 1996-06-25 to 1998-06-14, both included.
select
    customer_id,
    date_diff('day', max(ordered_at), {{ run_date }}) as recency_days,
    count(*) as frequency,
    round(sum(amount), 2) as monetary
from {{ source('orders') }}
where ordered_at >= {{ run_date }} - 720
group by customer_id
