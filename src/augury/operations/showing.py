"""What did a date publish, and how did it come about?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from augury.dates import DateRange
from augury.errors import UsageError
from augury.ledger.records import DateRecord, ModelRecord, StepRecord
from augury.operations.opened import Opened
from augury.spec.files import PipelineSpec
from augury.sql.engine_sql import EngineSql
from augury.warehouses.contract import Partition

_NUMBER = re.compile(r"U?(TINY|SMALL|BIG)?INT(EGER|64)?|FLOAT(64)?|DOUBLE|(NUMERIC|DECIMAL)(\(.*\))?")
"""Canonical types, and what an engine calls numbers that have none."""
_OURS = frozenset(("run_date", "version", "model_version", "model_rule", "predicted_at"))


@dataclass(frozen=True)
class Shown:
    status: DateRecord | None
    """How the date ended last; None where nobody tried it."""
    model: ModelRecord | None
    """The model behind the rows."""
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    """Published rows with the largest predictions first."""
    total_rows: int
    """Of the published partition."""
    steps: tuple[StepRecord, ...]
    """What the last run of the date did, in order."""
    queued: str | None = None
    """The run of the service that has the date still to do."""


def show(opened: Opened, name: str, day: date, version: str | None, limit: int) -> Shown:
    """The published rows of a date, at most `limit`, with its model and the steps of its last run.

    Raises UsageError for a date that is neither a run date nor known to the ledger, StorageFailed where the
    published file cannot be read.
    """
    if limit < 0:
        raise UsageError(f"{limit} rows cannot be shown", fix="Ask for none or more.")
    pipeline = opened.pipeline(name, version)
    record = opened.ledger.date_records(name, pipeline.version, day, day).get(day)
    partition = opened.warehouse.partition(pipeline.tables.predictions, day)
    if record is None and partition is None:
        opened.run_dates(pipeline, DateRange.one(day))
    return Shown(
        status=record,
        model=_model(opened, pipeline, record, partition),
        columns=tuple(column.name for column in partition.columns) if partition else (),
        rows=_rows(opened, pipeline, partition, day, limit) if partition else (),
        total_rows=partition.rows if partition else 0,
        steps=_steps(opened, pipeline, record, day),
        queued=opened.ledger.busy_dates(name, pipeline.version).get(day),
    )


def _model(
    opened: Opened, pipeline: PipelineSpec, record: DateRecord | None, partition: Partition | None
) -> ModelRecord | None:
    # A date that is held now may still show rows that an earlier run published with another model.
    number = partition.facts.get("model_version") if partition else record.model_version if record else None
    models = opened.ledger.models(pipeline.name, pipeline.version) if number is not None else []
    return next((model for model in models if model.number == number), None)


def _steps(opened: Opened, pipeline: PipelineSpec, record: DateRecord | None, day: date) -> tuple[StepRecord, ...]:
    steps = opened.ledger.steps(pipeline=pipeline.name, run_date=day, version=pipeline.version)
    last = record.run_id if record else steps[-1].run_id if steps else None
    return tuple(step for step in steps if step.run_id == last)


def _rows(
    opened: Opened, pipeline: PipelineSpec, partition: Partition, day: date, limit: int
) -> tuple[dict[str, Any], ...]:
    relation = opened.warehouse.partition_sql(partition.table, (day,))
    known = {column.name for column in partition.columns}
    sql = EngineSql(opened.warehouse.features.dialect)
    keys = [sql.name(key) for key in pipeline.settings.entities if key in known]
    value = _value_column(pipeline, partition)
    order = ([f"{sql.name(value)} DESC NULLS LAST"] if value else []) + keys
    by = f" ORDER BY {', '.join(order)}" if order else ""
    with opened.warehouse.read(f"SELECT * FROM {relation}{by} LIMIT {sql.value(limit)}") as reader:
        return tuple(row for batch in reader for row in batch.to_pylist())


def _value_column(pipeline: PipelineSpec, partition: Partition) -> str | None:
    """The first predicted number, else the first number that is neither a key nor augury's own."""
    numbers = [column.name for column in partition.columns if _NUMBER.fullmatch(column.type)]
    own = [name for name in numbers if name not in _OURS and name not in pipeline.settings.entities]
    return next((name for name in own if name.startswith("predicted_")), own[0] if own else None)
