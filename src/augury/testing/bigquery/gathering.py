"""Where do the rows of a SELECT go, whether it speaks of ML or not? Into a table of DuckDB of their own."""

from __future__ import annotations

from augury.testing.bigquery import ml, selects
from augury.testing.bigquery.parameters import Parameters
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import Field


def gathered(scope: Scope, sql: str, parameters: Parameters, *, twice: bool = False) -> tuple[str, tuple[Field, ...]]:
    """(table, columns). `twice` lets columns have the same name, as in INSERT ... SELECT."""
    if ml.is_ml(sql):
        return ml.gathered(scope, sql, parameters, twice=twice)
    prepared = selects.prepare(sql, scope, parameters, twice=twice)
    return selects.materialised(scope, prepared), prepared.fields
