-- From score to value: formulas over the predictions of this date. A tree can predict a little below zero; spend cannot.
with clipped as (
    select customer_id, round(greatest(predicted_revenue, 0), 2) as predicted_revenue
    from {{ ref('predict') }}
)

select
    customer_id,
    predicted_revenue,
    round(predicted_revenue * {{ var('margin') }}, 2) as predicted_margin,
    cast(case
        when predicted_revenue >= {{ var('high_value') }} then 1.5
        when predicted_revenue >= {{ var('some_value') }} then 1.0
        else 0.7
    end as double) as bid_multiplier
from clipped
