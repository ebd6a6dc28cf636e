"""How are the rows of a date scored? A stream of Arrow batches through one model, in and out of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from augury.errors import DataRefused, ModelFailed
from augury.models.contract import FittedModel
from augury.plan.graph import table_of
from augury.run.work import Work
from augury.warehouses.contract import Write, Written

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = 5
"""Entities named in an error."""


def scored_sql(work: Work, days: Sequence[date], *, training: bool = False) -> str:
    """The rows to score (or to learn from): those of filter, with the columns it lacks taken from prepare."""
    warehouse, tables, entities = work.warehouse, work.pipeline.tables, work.pipeline.settings.entities
    prepare = table_of("prepare", tables, training=training)
    if work.graph.scored == "prepare":
        return warehouse.partition_sql(prepare, days)
    chosen = table_of("filter", tables, training=training)
    have = {column.name.lower() for column in _columns(work, chosen, days)}
    missing = [column.name for column in _columns(work, prepare, days) if column.name.lower() not in have]
    if not missing:
        return warehouse.partition_sql(chosen, days)
    keys = work.sql.names(("run_date", *entities))
    if have <= {"run_date", *(key.lower() for key in entities)} and _is_keyed(work):
        # A filter that only chooses: looking its keys up takes two thirds of the time of the join below.
        compared = entities if len(days) == 1 else ("run_date", *entities)
        same = work.sql.same("f", "p", compared)
        return (
            f"(SELECT p.* FROM {warehouse.partition_sql(prepare, days)} p "
            f"WHERE EXISTS (SELECT 1 FROM {warehouse.partition_sql(chosen, days)} f WHERE {same}))"
        )
    taken = work.sql.names(missing, of="p")
    return (
        f"(SELECT f.*, {taken} FROM {warehouse.partition_sql(chosen, days)} f "
        f"JOIN {warehouse.partition_sql(prepare, days)} p USING ({keys}))"
    )


def _is_keyed(work: Work) -> bool:
    """Whether filter has one row per entity, which a pipeline may give up."""
    return work.pipeline.steps["filter"].settings.unique is None


def _columns(work: Work, table: str, days: Sequence[date]) -> Sequence[Any]:
    for day in reversed(days):
        partition = work.warehouse.partition(table, day)
        if partition is not None:
            return partition.columns
    raise DataRefused(f"table {table} has no partition for {days[-1]}" if days else f"table {table} is empty")


def predict(work: Work, model: FittedModel, write: Write, day: date) -> Written:
    """Score one date. Rows keep their order and all their columns; the predicted ones come last.

    Raises ModelFailed where features differ from what the model learned from, or a prediction is not a number.
    """
    import pyarrow as pa

    sql = f"SELECT {work.sql.all_but('run_date')} FROM {scored_sql(work, (day,))}"
    with work.warehouse.read(sql) as reader:
        schema = reader.schema
        empty = pa.RecordBatch.from_arrays([pa.nulls(0, kind) for kind in schema.types], schema=schema)
        predicted = model.predict(empty).schema
        clash = sorted(set(schema.names) & set(predicted.names))
        if clash:
            raise ModelFailed(
                f"prepare already has a column {clash[0]!r}, which the model writes",
                fix="Rename the column in prepare.sql, or model.label in pipeline.yml.",
            )
        out = pa.schema([*schema, *predicted])
        return work.warehouse.load(write, pa.RecordBatchReader.from_batches(out, _score(model, reader, out, predicted)))


def _score(
    model: FittedModel, reader: pa.RecordBatchReader, out: pa.Schema, predicted: pa.Schema
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in reader:
        scores = model.predict(batch)
        if scores.num_rows != batch.num_rows:
            raise ModelFailed(f"{batch.num_rows} rows went in and {scores.num_rows} predictions came out")
        _refuse_nan(scores, predicted.names[0])
        yield pa.RecordBatch.from_arrays([*batch.columns, *scores.columns], schema=out)


def _refuse_nan(scores: pa.RecordBatch, column: str) -> None:
    import numpy as np
    import pyarrow as pa

    from augury.models.features import numbers

    values = scores.column(column)
    if not pa.types.is_floating(values.type):
        return
    bad = len(values) - int(np.count_nonzero(np.isfinite(numbers(values))))
    if bad:
        raise ModelFailed(f"{column} is not a finite number in {bad} rows")


def refuse_lost_entities(work: Work, day: date, *, unique: Sequence[str]) -> None:
    """Every entity that was scored is among the candidates, and nobody else. Raises DataRefused with samples.

    `unique` are the columns by which the candidates were found to be unique.
    """
    tables = work.pipeline.tables
    if not work.pipeline.settings.entities:
        return
    scored = work.warehouse.partition_sql(tables.step("predict"), (day,))
    candidate = work.warehouse.partition_sql(tables.staging, (day,))
    if unique and set(unique) <= set(work.pipeline.settings.entities) and _all_scored(work, candidate, scored, day):
        return
    lost = _only_in(work, scored, candidate)
    added = _only_in(work, candidate, scored)
    if not lost and not added:
        return
    parts = []
    if lost:
        parts.append(f"{len(lost)}{_more(lost)} scored entities are missing, e.g. {_samples(lost)}")
    if added:
        parts.append(f"{len(added)}{_more(added)} entities were never scored, e.g. {_samples(added)}")
    raise DataRefused(
        f"post_process does not return the entities that were scored: {'; '.join(parts)}",
        fix="Return one row per row of ref('predict'); who gets a prediction is decided in filter.sql.",
    )


def _all_scored(work: Work, candidate: str, scored: str, day: date) -> bool:
    """Whether there are as many candidates, which all differ, as rows were scored, and each of them was."""
    tables = work.pipeline.tables
    rows = [
        partition.rows if (partition := work.warehouse.partition(table, day)) else -1
        for table in (tables.staging, tables.step("predict"))
    ]
    if rows[0] != rows[1]:
        return False
    same = work.sql.same("s", "c", work.pipeline.settings.entities)
    sql = f"SELECT count(*) AS found FROM {candidate} c WHERE EXISTS (SELECT 1 FROM {scored} s WHERE {same})"
    return work.warehouse.rows(sql, 1) == [{"found": rows[0]}]


def _only_in(work: Work, left: str, right: str) -> list[dict[str, Any]]:
    entities = work.pipeline.settings.entities
    keys = work.sql.names(entities)
    sql = f"SELECT {keys} FROM {work.sql.without(left, right, entities)} ORDER BY {keys}"
    return work.warehouse.rows(sql, SAMPLES + 1)


def _samples(rows: list[dict[str, Any]]) -> str:
    return ", ".join("/".join(str(value) for value in row.values()) for row in rows[:SAMPLES])


def _more(rows: list[Any]) -> str:
    return "+" if len(rows) > SAMPLES else ""
