-- One row; every column must be true before the scores are published.
select
    count(*) > 0 as anyone,
    count(*) = count(distinct customer_id) as one_row_per_customer,
    min(least(r, f, m)) >= 1 and max(greatest(r, f, m)) <= 3 as scores_in_range
from {{ staging() }}
