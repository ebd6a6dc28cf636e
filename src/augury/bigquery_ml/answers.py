"""Which ML functions does the session answer itself, whatever the type of model, and which are not the model's?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from augury.bigquery_ml.columns import find
from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.models import Loaded
from augury.bigquery_ml.refusing import another_type
from augury.errors import ModelFailed, UsageError, nearest
from augury.sql.bigquery_ml.catalogue.model_types import IMPORTED, WHOLE
from augury.sql.bigquery_ml.transform import BoundTransform

if TYPE_CHECKING:
    import pyarrow as pa

COMMON = ("feature_info", "transform")
_NEVER = {"feature_info": IMPORTED, "transform": IMPORTED | WHOLE}
"""BigQuery docs: the pages called 'End-to-end user journeys for ...'."""


def check_function(function: str, loaded: Loaded) -> None:
    """Raises UsageError where the model does not answer a function."""
    model_type = loaded.manifest.model_type
    if model_type in _NEVER.get(function, ()):
        raise another_type(function, model_type, loaded.model.functions)
    if function == "transform" and loaded.transform is None:
        # BigQuery docs: 'The ML.TRANSFORM function'.
        raise UsageError(
            f"the model {loaded.shown} has no TRANSFORM clause for ML.TRANSFORM to apply",
            fix="Add TRANSFORM(...) to its CREATE OR REPLACE MODEL.",
        )
    if function in COMMON or function in loaded.model.functions:
        return
    try:
        # The model knows best what it lacks; it is asked before the rows are looked at.
        loaded.model.call(Call(function))
    except UsageError as error:
        raise UsageError(f"{error.what}: {loaded.shown}", why=error.why, fix=error.fix) from error


def transform_outputs(bound: BoundTransform, columns: Sequence[str], loaded: Loaded) -> dict[str, str]:
    """What ML.TRANSFORM shows: all that TRANSFORM makes, but for the label where it is not given."""
    labels = {label.lower() for label in loaded.model.labels}
    out: dict[str, str] = {}
    missing: dict[str, None] = {}
    for output in bound.outputs:
        absent = [name for name in output.inputs if find(columns, name) is None]
        if not absent:
            out[output.name] = output.name
        elif output.name.lower() not in labels:
            missing.update(dict.fromkeys(absent))
    if missing:
        hints = [f"is it called {close}?" for name in missing if (close := nearest(name, columns))]
        raise ModelFailed(
            f"the rows do not fit the model {loaded.shown}: {', '.join(missing)} is missing",
            fix=" ".join(["Give the columns of the training query, under the same names.", *hints]),
        )
    return out


def transform(loaded: Loaded, settings: Mapping[str, Any], rows: pa.RecordBatchReader) -> pa.RecordBatchReader:
    _no_settings("TRANSFORM", settings)
    return rows


def feature_info(loaded: Loaded, settings: Mapping[str, Any]) -> pa.RecordBatchReader:
    """BigQuery docs: 'The ML.FEATURE_INFO function'."""
    import pyarrow as pa

    _no_settings("FEATURE_INFO", settings)
    kinds = {"input": pa.string(), "category_count": pa.int64(), "null_count": pa.int64(), "dimension": pa.int64()}
    names = ("input", "min", "max", "mean", "median", "stddev", "category_count", "null_count", "dimension")
    schema = pa.schema([(name, kinds.get(name, pa.float64())) for name in names])
    return pa.Table.from_pylist([dict(row) for row in loaded.manifest.feature_info], schema=schema).to_reader()


def _no_settings(function: str, settings: Mapping[str, Any]) -> None:
    if settings:
        raise UsageError(f"ML.{function} takes no settings: {', '.join(settings)}")
