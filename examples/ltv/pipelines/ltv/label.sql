-- What happened: outcome('orders') holds the purchases of the 90 days from the cutoff on.
-- Only label.sql may look there, and only for dates whose 90 days are over.
select
    customer_id,
    round(sum(amount), 2) as revenue
from {{ outcome('orders') }}
group by customer_id
