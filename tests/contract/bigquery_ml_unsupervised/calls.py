"""Asking a model, as the session does."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from augury.bigquery_ml.contract import Call, ModelType, TrainedModel, Training


def train(kind: type[ModelType], rows: Any, **options: Any) -> TrainedModel:
    return kind.train(Training(kind.names[0], rows, options))


def ask(
    model: TrainedModel, function: str, rows: Any = None, *, inputs: Mapping[str, str] | None = None, **settings: Any
) -> pa.Table:
    reader = rows.to_reader() if rows is not None else None
    return model.call(Call(function, reader, settings, inputs or {})).read_all()


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def column(table: pa.Table, name: str) -> Any:
    return table.column(name).to_numpy()


def in_batches(rows: pa.Table, size: int) -> pa.Table:
    """The same rows, so many at a time."""
    return pa.Table.from_batches(rows.combine_chunks().to_batches(max_chunksize=size), rows.schema)


def reloaded(kind: type[ModelType], model: TrainedModel, folder: Path) -> TrainedModel:
    folder.mkdir(exist_ok=True)
    model.save(folder)
    return kind.load(folder, model.model_type, 1)


def keeps_its_promises(kind: type[ModelType], model: TrainedModel, questions: Mapping[str, Any], folder: Path) -> None:
    """What every type owes the session: questions are the rows or None, with settings, by function."""
    again = reloaded(kind, model, folder)
    assert again.features == model.features
    assert again.functions == model.functions
    assert set(questions) == set(model.functions)
    for function, (rows, settings) in questions.items():
        answer = ask(model, function, rows, **settings)
        assert ask(again, function, rows, **settings).equals(answer), function
        if rows is None:
            continue
        for size in (1, 7):
            assert ask(model, function, in_batches(rows, size), **settings).equals(answer), (function, size)
        # The columns are known before the first row, and without any.
        reader = model.call(Call(function, rows.to_reader(), settings))
        assert reader.schema == answer.schema
        assert ask(model, function, rows.slice(0, 0), **settings).schema == answer.schema
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: ask(model, function, rows, **settings), range(4)))  # noqa: B023 - used at once
        assert all(one.equals(answer) for one in found)
