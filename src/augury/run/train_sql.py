"""How does a tick get a model that is a statement of BigQuery ML? Rows, CREATE MODEL, ML.EVALUATE, the gate.

What the model says of itself is written down beside the other models, as dbt_ml's audit table has it: the statement,
training information, features, weights and evaluation, those that its type has.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from augury.errors import AuguryError, QueryRefused, StorageFailed
from augury.ledger.records import ModelRecord
from augury.models import gate
from augury.models.evaluation import Metric
from augury.models.model_card import sha256
from augury.plan.steps import Task
from augury.run.builds import in_template
from augury.run.models import AUDIT, model_folder
from augury.run.sql_models import SqlModel, new_model
from augury.run.work import Work
from augury.sql.relations import Ref, Relation
from augury.warehouses.contract import Partition, Write

ASKED = (
    "training_info",
    "feature_info",
    "trial_info",
    "weights",
    "feature_importance",
    "centroids",
    "principal_component_info",
    "arima_evaluate",
)
"""ML functions whose answers are kept, where a model has one."""
_MOST_ROWS = 1_000
"""Of each answer: a matrix of weights is no audit."""


def train_in_sql(work: Work, task: Task, blank: ModelRecord) -> tuple[ModelRecord, Partition | None]:
    """(record without its number, the training set). Raises ModelFailed, QueryRefused, DataRefused, LimitExceeded."""
    model = new_model(work, task.day)
    relations, partition = _rows(work, task)
    statement = work.definitions.step("train_model", task.day)
    model.create(statement, task.day, relations)
    evaluated = _evaluated(model)
    settings = work.pipeline.settings.model
    assert settings is not None
    verdict = gate.decide(None, settings.gate.thresholds, evaluated)
    folder = model_folder(work, model.name)
    sha = _write_audit(work.models / folder, _audit(model, statement.compiled.text if statement.compiled else ""))
    record = replace(
        blank,
        passed=verdict.passed,
        verdict=verdict.reason,
        folder=str(folder),
        sha256=sha,
        rows=partition.rows if partition else 0,
        snapshot=partition.fingerprint if partition else "",
        metrics={name: {"mean": each.mean, "std": each.std, "folds": 1.0} for name, each in evaluated.items()},
        features=tuple(str(row.get("input", row.get("feature", ""))) for row in _said(model, "feature_info")),
    )
    return record, partition


def _rows(work: Work, task: Task) -> tuple[dict[Relation, str], Partition | None]:
    """What training.sql returns as of the tick, kept as a partition; nothing where there is no such file."""
    if not work.pipeline.has("training"):
        return {}, None
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
    compiled = work.definitions.step("training", task.day).compiled
    assert compiled is not None
    try:
        bound = compiled.bind(work.definitions.values(task.day), work.resolver(task.day))
        partition = work.warehouse.create(write, bound).partition
    except QueryRefused as error:
        raise in_template(error, compiled) from error
    rows = work.warehouse.partition_sql(write.table, (task.day,))
    return {Ref("training"): f"(SELECT {work.sql.all_but('run_date')} FROM {rows})"}, partition


def _evaluated(model: SqlModel) -> dict[str, Metric]:
    """The figures of ML.EVALUATE; none for types that can only be evaluated on rows that somebody gives."""
    rows = _said(model, "evaluate")
    found = rows[0] if len(rows) == 1 else {}
    numbers = {name: value for name, value in found.items() if isinstance(value, int | float) and math.isfinite(value)}
    return {name: Metric(float(value), 0.0, (float(value),)) for name, value in numbers.items()}


def _audit(model: SqlModel, statement: str) -> dict[str, Any]:
    said = {function: _said(model, function) for function in ("evaluate", *ASKED)}
    return {"model": model.name, "statement": statement, **{name: rows for name, rows in said.items() if rows}}


def _said(model: SqlModel, function: str) -> list[dict[str, Any]]:
    """Empty where models of this type have no such answer."""
    try:
        return model.rows(function)[:_MOST_ROWS]
    except AuguryError:
        return []


def _write_audit(folder: Path, audit: Mapping[str, Any]) -> str:
    """The SHA-256 of what was written. Raises StorageFailed."""
    path = folder / AUDIT
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(audit, indent=1, default=str, ensure_ascii=False) + "\n", encoding="utf-8")
        return sha256(path)
    except OSError as error:
        raise StorageFailed(f"the audit of a model cannot be written to {folder}", why=str(error)) from error
