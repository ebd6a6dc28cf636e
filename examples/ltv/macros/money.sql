{# Every .sql file can call these. #}
{% macro spent_in_last(day, days) -%}
round(coalesce(sum(amount) filter (where ordered_at >= {{ day }} - {{ days }}), 0), 2)
{%- endmacro %}
