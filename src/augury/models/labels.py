"""How does the label of a training set become numbers, and how much does each row count?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augury.errors import ModelFailed
from augury.models.contract import Task, TrainingSet
from augury.models.options import class_name

Codes = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float64]


def check(label: Any, name: str, task: Task) -> None:
    """Raises ModelFailed where a label column cannot be learned: its type, NULL, NaN, infinity or one
    class.
    """
    arrow = label.type
    is_class = pa.types.is_boolean(arrow) or pa.types.is_integer(arrow) or is_text(arrow)
    is_number = pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow)
    if not (is_class if task == "classification" else is_number):
        wanted = "text, a boolean or an integer" if task == "classification" else "a number"
        raise ModelFailed(
            f"the label {name} is {arrow}: a {task} needs {wanted}",
            fix="Cast it in label.sql, or choose another model type.",
        )
    bad = {"NULL": label.null_count}
    if pa.types.is_floating(arrow):
        values = label.cast(pa.float64()).drop_null().to_numpy()
        bad |= {"NaN": int(np.isnan(values).sum()), "infinite": int(np.isinf(values).sum())}
    if any(bad.values()):
        counts = ", ".join(f"{count:,} {kind}" for kind, count in bad.items() if count)
        raise ModelFailed(
            f"the label {name} is unusable in some of {len(label):,} rows: {counts}",
            fix="Mend it in label.sql; missing_label covers only entities without a row there.",
        )
    if task == "classification" and pc.count_distinct(label).as_py() < 2:
        raise ModelFailed(
            f"the label {name} has one class only: {class_name(label[0].as_py())}",
            why=f"in all {len(label):,} training rows",
            fix="Widen model.train.window, or check label.sql.",
        )


def is_text(arrow: Any) -> bool:
    return bool(pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow))


def numbers(training: TrainingSet) -> Vector:
    """The label of a regression as float64. Raises ModelFailed."""
    check(training.label, training.label_name, "regression")
    out: Vector = training.label.cast(pa.float64(), safe=False).to_numpy()
    return out


def classes(training: TrainingSet) -> tuple[tuple[Any, ...], Codes]:
    """The sorted classes of a classification, and the position of each row's among them. Raises
    ModelFailed.
    """
    check(training.label, training.label_name, "classification")
    found = tuple(sorted(pc.unique(training.label).to_pylist()))
    return found, codes(training.label, found)


def codes(label: Any, found: tuple[Any, ...]) -> Codes:
    """The position of each label among the classes `found`; -1 for a class that is not there."""
    positions = pc.index_in(label, value_set=pa.array(found, type=label.type)).fill_null(-1)
    out: Codes = positions.cast(pa.int64()).to_numpy()
    return out


def row_weights(
    found: tuple[Any, ...], positions: Codes, auto: bool, given: Mapping[str, float] | None
) -> Vector | None:
    """The weight of each row by its class, or None where all count the same.

    Raises ModelFailed where the given weights do not name exactly the classes.
    """
    if auto:
        counts = np.bincount(positions, minlength=len(found))
        per_class = len(positions) / (len(found) * np.maximum(counts, 1))
    elif given:
        names = [class_name(label) for label in found]
        if set(names) != set(given):
            raise ModelFailed(
                "class_weights does not name the classes of the label",
                why=f"expected {', '.join(names)}; got {', '.join(given)}",
            )
        per_class = np.array([given[name] for name in names])
    else:
        return None
    out: Vector = per_class[positions].astype(np.float64)
    return out
