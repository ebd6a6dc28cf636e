"""Every function that is translated, by its name in BigQuery."""

from __future__ import annotations

from augury.sql.bigquery.builders.aggregates import AGGREGATES
from augury.sql.bigquery.builders.arrays import ARRAYS
from augury.sql.bigquery.builders.dates import DATES
from augury.sql.bigquery.builders.moments import MOMENTS
from augury.sql.bigquery.builders.numbers import NUMBERS
from augury.sql.bigquery.builders.text import TEXT
from augury.sql.bigquery.calling import Builder

BUILDERS: dict[str, Builder] = {**NUMBERS, **TEXT, **DATES, **MOMENTS, **ARRAYS, **AGGREGATES}
