-- Who gets a prediction: customers who bought within the last 180 days. Training uses the same filter.
select customer_id
from {{ ref('prepare') }}
where recency_days <= 180
