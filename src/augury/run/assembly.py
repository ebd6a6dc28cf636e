"""Which rows does a model learn from? prepare at the training dates, those who pass the filter, with their label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from augury.errors import ModelFailed, Place, QueryRefused, nearest
from augury.plan.graph import table_of
from augury.plan.steps import Task
from augury.run.by_hand import by_hand, placed
from augury.run.predict import scored_sql
from augury.run.work import Work
from augury.spec.pipeline import Model
from augury.warehouses.contract import Partition, Write

if TYPE_CHECKING:
    import pyarrow as pa

_NOT_NUMBERS = ("STRING", "DATE", "DATETIME", "TIMESTAMP", "BYTES")


@dataclass(frozen=True)
class Assembled:
    """The training set of a tick: kept as a partition of its own, so that a model can be traced to its rows."""

    rows: pa.Table
    """`run_date` is the training date."""
    partition: Partition


def assemble(work: Work, task: Task) -> Assembled:
    """Build the training set of a tick and read it back.

    Raises ModelFailed with counts where entities have no label and `missing_label` does not say what that means.
    """
    write = Write(
        table=work.pipeline.tables.step("training"),
        day=task.day,
        run_id=work.run_id,
        fingerprint=task.fingerprint,
        description=f"What the models of {work.pipeline.name} {work.pipeline.version} learned from, by tick",
        facts={"step": "training", "probe": work.facts.probe},
        fence=work.fence(),
        labels=work.labels("training"),
        max_bytes=work.pipeline.settings.limits.bytes_billed,
    )
    if work.pipeline.has("training"):
        try:
            partition = _kept(work, write, by_hand(work, task.day, write))
        except QueryRefused as error:
            raise placed(work, task.day, error) from error
    else:
        partition = _kept(work, write, _joined(work, task.dates))
    rows = work.warehouse.partition_sql(write.table, (task.day,))
    with work.warehouse.read(
        f"SELECT training_date AS run_date, {work.sql.all_but('run_date', 'training_date')} FROM {rows}"
    ) as reader:
        assembled = Assembled(reader.read_all(), partition)
    _refuse_undated(work, assembled.rows)
    return assembled


def _kept(work: Work, write: Write, sql: str) -> Partition:
    # In the table, run_date is the tick, as it is the date of the partition.
    dated = f"SELECT run_date AS training_date, {work.sql.all_but('run_date')} FROM ({_sampled(work, sql)}\n)"
    return work.warehouse.create(write, dated).partition


def _refuse_undated(work: Work, rows: pa.Table) -> None:
    undated = rows["run_date"].null_count
    if undated:
        raise ModelFailed(
            f"{undated:,} of {rows.num_rows:,} training rows have no run_date",
            where=Place(file=work.pipeline.file),
            fix="The run_date of a training row is the date whose features it holds: return it for all, or for none.",
        )


def _sampled(work: Work, sql: str) -> str:
    model = work.pipeline.settings.model
    assert model is not None
    limit = model.train.max_rows
    if limit is None:
        return sql
    order = work.sql.shuffled(("run_date", *work.pipeline.settings.entities))
    return f"SELECT * FROM ({sql}\n) ORDER BY {order} LIMIT {limit}"


def _joined(work: Work, days: Sequence[date]) -> str:
    settings = work.pipeline.settings
    model = settings.model
    assert model is not None
    training = work.graph.uses_references
    rows = _population(work, days, training=training)
    table = table_of("label", work.pipeline.tables, training=training)
    known = work.warehouse.partition_sql(table, days)
    keys = ("run_date", *settings.entities)
    label = work.sql.name(model.label)
    _refuse_other_label(work, model, known)
    if model.missing_label == "drop":
        return f"SELECT s.*, l.{label} FROM {rows} s JOIN {known} l USING ({work.sql.names(keys)})"
    if model.missing_label is None:
        _refuse_unlabelled(work, rows, known, keys)
    # Only an entity without a row counts as zero: a row whose label is NULL is an error, and stays one.
    first = work.sql.name(settings.entities[0])
    return (
        f"SELECT s.*, CASE WHEN l.{first} IS NULL THEN 0 ELSE l.{label} END AS {label} "
        f"FROM {rows} s LEFT JOIN {known} l ON {work.sql.same('s', 'l', keys)}"
    )


def _population(work: Work, days: Sequence[date], *, training: bool) -> str:
    if "filter" in work.graph.assembly:
        return scored_sql(work, days, training=training)
    return work.warehouse.partition_sql(table_of("prepare", work.pipeline.tables, training=training), days)


def _refuse_other_label(work: Work, model: Model, known: str) -> None:
    """Raise ModelFailed where label.sql does not return the label, or one that cannot be zero."""
    types = {column.name.casefold(): column.type for column in work.warehouse.describe(f"SELECT * FROM {known}")}
    found = types.get(model.label.casefold())
    step = work.pipeline.steps["label"]
    file = step.sql or step.hook
    where = Place(file=file.path if file else None)
    if found is None:
        close = nearest(model.label, types)
        raise ModelFailed(
            f"label returns no column {model.label!r}",
            where=where,
            why=f"it returns {', '.join(types)}",
            fix=f"Did you mean {close!r}?" if close else "model.label in pipeline.yml names it.",
        )
    if model.missing_label == "zero" and found in _NOT_NUMBERS:
        raise ModelFailed(
            f"the label {model.label} is {found}: it cannot be zero where it is missing",
            where=where,
            fix="Return a number or a boolean from label.sql, or write model.missing_label: drop.",
        )


def _refuse_unlabelled(work: Work, rows: str, known: str, keys: Sequence[str]) -> None:
    sql = f"SELECT count(*) AS n FROM {work.sql.without(rows, known, keys)}"
    with work.warehouse.read(sql) as reader:
        missing = int(reader.read_all()["n"][0].as_py())
    if missing:
        with work.warehouse.read(f"SELECT count(*) AS n FROM {rows}") as reader:
            total = int(reader.read_all()["n"][0].as_py())
        raise ModelFailed(
            f"{missing:,} of {total:,} training rows have no label",
            where=Place(file=work.pipeline.file),
            fix="Say what that means in pipeline.yml: model.missing_label: zero (nothing happened) or drop.",
        )
