"""How does a table of features and labels become a training set?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from augury.errors import ModelFailed
from augury.models import labels
from augury.models.contract import Task, TrainingSet
from augury.models.features import infer, type_of


def training_set(
    table: Any,
    *,
    entity: Sequence[str],
    label: str,
    task: Task,
    features: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    date: str = "run_date",
) -> TrainingSet:
    """The rows ordered by date and entity, with the feature columns that `features.infer` picks.

    `date` is the column of training dates. Missing labels have been dealt with before. Integer labels
    become int64, as in BigQuery. Raises ModelFailed on an empty set, one row, columns that are not there or
    cannot be used, and labels that cannot be learned.
    """
    _check(table, (date, *entity, label))
    found = infer(table.schema, entity=entity, label=label, features=features, exclude=exclude, date=date)
    names = [feature.name for feature in found]
    labels.check(table[label], label, task)
    # All columns take part in the order, so that rows that share date and entity do not depend on batching.
    ordered = _sorted(table.select(list(dict.fromkeys([date, *entity, *names, label]))), (date, *entity))
    target = ordered[label]
    if labels.is_text(target.type):
        target = target.cast(pa.string())
    elif pa.types.is_integer(target.type):
        target = target.cast(pa.int64())
    return TrainingSet(
        features=ordered.select(names),
        label=target,
        dates=ordered[date].cast(pa.date32()),
        label_name=label,
    )


def snapshot(table: Any, keys: Sequence[str]) -> str:
    """A fingerprint of a table's rows: the same however they were batched, ordered or their columns arranged.

    `keys` are the columns that identify a row: the training date and the entity. Text counts as text,
    whichever way Arrow stores it.
    """
    ordered = _sorted(_decoded(table.select(sorted(table.schema.names))), keys)
    digest = hashlib.sha256(f"{ordered.num_rows}\n".encode())
    for name in ordered.schema.names:
        column = ordered[name].combine_chunks()
        digest.update(f"{name}\n{column.type}\n".encode())
        for part in _content(column):
            digest.update(part)
    return digest.hexdigest()


def _check(table: Any, needed: Sequence[str]) -> None:
    if missing := [name for name in needed if name not in table.schema.names]:
        raise ModelFailed(
            f"the training rows have no column {', '.join(missing)}",
            why=f"got {', '.join(table.schema.names)}",
        )
    if table.num_rows < 2:
        count = "are no training rows" if not table.num_rows else "is only one training row"
        raise ModelFailed(
            f"there {count}",
            fix="Widen model.train.window, or check that prepare.sql and label.sql return past dates.",
        )


def _decoded(table: Any) -> Any:
    """Dictionaries as their values, all text as large_string, so that equal rows have equal types."""
    for at, column in enumerate(table.schema):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        kind = pa.large_string() if labels.is_text(kind) else kind
        if kind != column.type:
            table = table.set_column(at, column.name, table[column.name].cast(kind))
    return table


def _sorted(table: Any, keys: Sequence[str]) -> Any:
    plain = _decoded(table)
    sortable = [name for name in plain.schema.names if _sorts(plain.schema.field(name).type)]
    order = [*(key for key in keys if key in sortable), *(name for name in sortable if name not in keys)]
    return table.take(pc.sort_indices(plain, sort_keys=[(name, "ascending") for name in order])).combine_chunks()


def _sorts(arrow: Any) -> bool:
    return type_of(arrow) is not None and not pa.types.is_null(arrow)


def _content(column: Any) -> list[bytes]:
    """The bytes that a column stands for, NULLs told apart from values."""
    arrow = column.type
    nulls = np.packbits(column.is_null().to_numpy(zero_copy_only=False)).tobytes()
    if pa.types.is_large_string(arrow):
        return [nulls, *_text(column.fill_null(""))]
    if pa.types.is_temporal(arrow) and not pa.types.is_date32(arrow):
        column = column.cast(pa.int64())
    if pa.types.is_date32(arrow):
        column = column.cast(pa.int32())
    if pa.types.is_integer(column.type) or pa.types.is_floating(arrow) or pa.types.is_boolean(arrow):
        filled = column.fill_null(False if pa.types.is_boolean(arrow) else 0)
        return [nulls, filled.to_numpy(zero_copy_only=False).tobytes()]
    return [repr(column.to_pylist()).encode()]


def _text(column: Any) -> list[bytes]:
    """Lengths and characters of a large_string array without NULLs."""
    _, offsets, characters = column.buffers()
    at = np.frombuffer(offsets, dtype=np.int64)[column.offset : column.offset + len(column) + 1]
    content = characters.to_pybytes()[at[0] : at[-1]] if characters is not None else b""
    return [np.diff(at).tobytes(), content]
