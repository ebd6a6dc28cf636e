"""What does a model learn to predict, and how much does each row count?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augury.bigquery_ml.supervised.columns import bigquery_type, find, plain
from augury.bigquery_ml.supervised.options import Options, Task
from augury.errors import ModelFailed
from augury.models.labels import row_weights

Vector = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MOST_CLASSES = {"logistic_reg": 50}
"""BigQuery docs: 'The CREATE MODEL statement for generalized linear models'."""
MOST_CLASSES_OF_TREES = 1_000
"""Not a documented limit: each class is a tree per round and a column of every prediction."""

Class = bool | int | str


def column(rows: Any, options: Options) -> Any:
    """The label column of the training rows. Raises ModelFailed."""
    place = find(rows.schema, options.label, {})
    if isinstance(place, str):
        raise ModelFailed(
            f"the label column: {place}",
            fix="Return it from the training query, or name another in input_label_cols.",
        )
    label = plain(rows.column(place))
    missing = label.null_count
    if missing == len(label):
        raise ModelFailed(f"the label {options.label} is NULL in all {len(label):,} rows")
    if missing:
        raise ModelFailed(
            f"the label {options.label} is NULL in {missing:,} of {len(label):,} rows",
            fix=f"Add WHERE {options.label} IS NOT NULL to the training query.",
        )
    return label


def numbers(label: Any, name: str) -> Vector:
    """The label of a regression. Raises ModelFailed."""
    arrow = label.type
    if not (pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow)):
        raise ModelFailed(
            f"the label {name} is {bigquery_type(arrow)}: a regression needs a number",
            fix="Cast it, or use a classifier.",
        )
    values: Vector = label.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise ModelFailed(f"the label {name} is NaN or infinite in {bad:,} of {len(values):,} rows")
    return values


def classes(label: Any, name: str, model_type: str) -> tuple[Class, ...]:
    """The classes in ascending order; of two, the higher one is the positive class. Raises ModelFailed."""
    arrow = label.type
    if not (pa.types.is_boolean(arrow) or pa.types.is_integer(arrow) or _is_text(arrow)):
        raise ModelFailed(
            f"the label {name} is {bigquery_type(arrow)}: a classifier needs STRING, INT64 or BOOL",
            fix="Cast it, or use a regression.",
        )
    found = tuple(sorted(pc.unique(label).to_pylist()))
    if len(found) < 2:
        raise ModelFailed(
            f"the label {name} has one class only: {found[0]}", fix="Widen the training query, or check the label."
        )
    most = MOST_CLASSES.get(model_type, MOST_CLASSES_OF_TREES)
    if len(found) > most:
        raise ModelFailed(
            f"the label {name} has {len(found):,} classes: {model_type} takes up to {most:,}",
            fix="Group them, or use a regression if they are numbers.",
        )
    return found


def codes(label: Any, found: tuple[Class, ...]) -> Codes:
    """The position of each row's class; -1 for a class that training did not have, and for NULL."""
    known = pa.array(found)
    if pa.types.is_integer(known.type) and not pa.types.is_integer(label.type):
        known, label = known.cast(pa.float64()), label.cast(pa.float64(), safe=False)
    elif label.type != known.type:
        label = label.cast(known.type)
    out: Codes = pc.index_in(label, value_set=known).fill_null(-1).to_numpy().astype(np.int64)
    if label.null_count:
        out[label.is_null().to_numpy(zero_copy_only=False)] = -1
    return out


def same_family(arrow: Any, found: tuple[Class, ...], task: Task) -> bool:
    """Whether a column to be compared with predictions has the label's type."""
    if task == "regression" or (isinstance(found[0], int) and not isinstance(found[0], bool)):
        return bool(pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow))
    return bool(pa.types.is_boolean(arrow)) if isinstance(found[0], bool) else _is_text(arrow)


def class_weights(found: tuple[Class, ...], positions: Codes, options: Any) -> Vector | None:
    """How much each row counts by its class; None where all count the same. Raises ModelFailed."""
    return row_weights(found, positions, options.auto_class_weights, options.class_weights)


def instance_weights(rows: Any, name: str) -> Vector:
    """Raises ModelFailed where the column is missing or no weight."""
    place = find(rows.schema, name, {})
    if isinstance(place, str):
        raise ModelFailed(f"instance_weight_col: {place}")
    weights = numbers(plain(rows.column(place)), name) if _fills(rows, place) else None
    if weights is None or (weights < 0).any() or not weights.any():
        raise ModelFailed(f"instance_weight_col {name} must hold numbers of 0 and more, some above 0, and no NULL")
    return weights


def _fills(rows: Any, place: int) -> bool:
    column = rows.column(place)
    return column.null_count == 0 and not pa.types.is_null(column.type)


def _is_text(arrow: Any) -> bool:
    return bool(pa.types.is_string(arrow) or pa.types.is_large_string(arrow))
