-- One row; every column must be true before the candidate in staging() is published.
-- published() is the latest date already published, or the candidate itself where there is none.
select
    count(*) between 100 and 2500 as enough_customers,
    count(predicted_revenue) = count(*) as no_missing_value,
    avg(predicted_revenue) between 10 and 60 as average_in_range,
    abs(avg(predicted_revenue) / (select avg(predicted_revenue) from {{ published() }}) - 1) < 0.5 as moved_little
from {{ staging() }}
