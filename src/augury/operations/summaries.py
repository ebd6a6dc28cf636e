"""What can people report on in SQL? augury_runs and augury_models, and the views of the current version."""

from __future__ import annotations

import io
import json
import math
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from augury.ledger.records import ModelRecord, RunRecord
from augury.operations.audits import AUDITED, audit_of
from augury.operations.opened import Opened
from augury.spec.files import PipelineSpec
from augury.sql.fingerprint import combine
from augury.warehouses.contract import Write

if TYPE_CHECKING:
    import pyarrow as pa

Rows = tuple["pa.Schema", list[dict[str, Any]]]

RUNS, MODELS = "augury_runs", "augury_models"
RUNS_KEPT = 10_000
"""Newest runs in augury_runs; the ledger has all of them."""


def write_summaries(opened: Opened, pipeline: PipelineSpec) -> None:
    """Refresh the tables about runs and models, and the stable names that consumers read."""
    point_views(opened, pipeline)
    _replace(opened, RUNS, _runs(opened.ledger.runs(limit=RUNS_KEPT)))
    # A command may have read the folder of one pipeline alone.
    models = [model for name in opened.spec.names for model in opened.ledger.models(name)]
    _replace(opened, MODELS, _models(opened, models))
    sweep_now_and_then(opened)


def point_views(opened: Opened, pipeline: PipelineSpec) -> None:
    """Point the names that consumers read to the current version, once that has published."""
    current = opened.spec.pipelines[pipeline.name].get(opened.current_version(pipeline.name))
    if current is None:
        # Its folder is gone: consumers keep what they have until somebody decides.
        return
    tables = current.tables
    views = [(tables.current_predictions, tables.predictions), (tables.current_staging, tables.staging)]
    if pipeline.tables.version_view:
        views.append((pipeline.tables.version_view, pipeline.tables.predictions))
    for view, table in views:
        if opened.warehouse.view(view) != table and opened.warehouse.partitions(table):
            opened.warehouse.set_view(view, table)


def sweep_now_and_then(opened: Opened) -> None:
    """Remove superseded files once a day: looking for them costs a walk over every partition."""
    now = opened.clock()
    stamp = opened.home / "_locks" / "swept"
    if stamp.exists() and now.timestamp() - stamp.stat().st_mtime < timedelta(days=1).total_seconds():
        return
    opened.warehouse.sweep(now - timedelta(days=opened.spec.target.retention))
    opened.locking.locks.tidy()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()


def _replace(opened: Opened, table: str, content: Rows) -> None:
    """Write the table again, unless it holds this very content already."""
    from augury.run.ids import new_run_id

    schema, rows = content
    lines = "\n".join(json.dumps(row, default=_plain, ensure_ascii=False) for row in rows)
    fingerprint = combine(str(schema), lines)
    live = opened.warehouse.partition(table, None)
    if live is None or live.fingerprint != fingerprint:
        write = Write(table=table, day=None, run_id=new_run_id(opened.clock()), fingerprint=fingerprint)
        opened.warehouse.load(write, _arrow(schema, lines).to_reader())


def _arrow(schema: pa.Schema, lines: str) -> pa.Table:
    """Rows by way of their JSON: `Table.from_pylist` and `empty_table` import pandas where it is installed, which takes
    0.2 s."""
    import pyarrow as pa
    import pyarrow.json as pa_json

    if not lines:
        return pa.Table.from_batches([], schema=schema)
    text = io.BytesIO(lines.encode("utf-8", "backslashreplace"))
    return pa_json.read_json(text, parse_options=pa_json.ParseOptions(explicit_schema=schema))


def _plain(value: date | datetime) -> str | int:
    """As Arrow's JSON reader takes times and dates: days since 1970."""
    return value.isoformat(" ") if isinstance(value, datetime) else (value - date(1970, 1, 1)).days


def _runs(runs: list[RunRecord]) -> Rows:
    import pyarrow as pa

    schema = pa.schema(
        [
            ("run_id", pa.string()),
            ("pipeline", pa.string()),
            ("version", pa.string()),
            ("target", pa.string()),
            ("command", pa.string()),
            ("first_date", pa.date32()),
            ("last_date", pa.date32()),
            ("status", pa.string()),
            ("started_at", pa.timestamp("us", "UTC")),
            ("finished_at", pa.timestamp("us", "UTC")),
            ("dates", pa.int64()),
            ("published", pa.int64()),
            ("peak_memory", pa.int64()),
            ("host", pa.string()),
            ("user_name", pa.string()),
            ("augury_version", pa.string()),
            ("detail", pa.string()),
        ]
    )
    rows: list[dict[str, Any]] = [
        {
            **{name: getattr(run, name) for name in schema.names if hasattr(run, name)},
            "status": str(run.status),
            "user_name": run.user,
            "dates": sum(run.counts.values()),
            "published": run.counts.get("succeeded", 0),
        }
        for run in runs
    ]
    return schema, rows


def _models(opened: Opened, models: list[ModelRecord]) -> Rows:
    import pyarrow as pa

    metric = pa.struct([("metric", pa.string()), ("mean", pa.float64()), ("std", pa.float64()), ("folds", pa.int64())])
    schema = pa.schema(
        [
            ("pipeline", pa.string()),
            ("version", pa.string()),
            ("model_version", pa.int64()),
            ("type", pa.string()),
            ("label", pa.string()),
            ("description", pa.string()),
            ("note", pa.string()),
            ("url", pa.string()),
            ("tick", pa.date32()),
            ("cutoff", pa.timestamp("us", "UTC")),
            ("trained_at", pa.timestamp("us", "UTC")),
            ("passed", pa.bool_()),
            ("verdict", pa.string()),
            ("rows", pa.int64()),
            ("dates", pa.int64()),
            ("seed", pa.int64()),
            ("snapshot", pa.string()),
            ("sha256", pa.string()),
            ("features", pa.list_(pa.string())),
            ("metrics", pa.list_(metric)),
            ("run_id", pa.string()),
            ("audit", pa.struct([(part, pa.string()) for part in AUDITED])),
        ]
    )
    rows = []
    before = _descriptions(opened) if any(model.pipeline not in opened.spec.pipelines for model in models) else {}
    for model in models:
        spec = opened.spec.pipelines.get(model.pipeline, {}).get(model.version)
        known = before.get((model.pipeline, model.version, model.number), {})
        rows.append(
            {
                **{name: getattr(model, name) for name in schema.names if hasattr(model, name)},
                "model_version": model.number,
                "description": spec.settings.description if spec else known.get("description", ""),
                "url": spec.settings.url if spec else known.get("url", ""),
                "note": _note(spec, model) if spec else known.get("note", model.note),
                "features": list(model.features),
                "metrics": [
                    {
                        "metric": name,
                        "mean": _finite(figures["mean"]),
                        "std": _finite(figures["std"]),
                        "folds": int(figures["folds"]),
                    }
                    for name, figures in model.metrics.items()
                ],
                "audit": audit_of(opened.models, model),
            }
        )
    return schema, rows


def _note(spec: PipelineSpec, model: ModelRecord) -> str:
    return "; ".join(part for part in (spec.settings.note, model.note) if part)


def _descriptions(opened: Opened) -> dict[tuple[str, str, int], dict[str, str]]:
    """What the table says of models whose folders this command did not read."""
    if opened.warehouse.partition(MODELS, None) is None:
        return {}
    with opened.warehouse.query(
        f"select pipeline, version, model_version, description, url, note from {MODELS}"
    ) as found:
        rows = [row for batch in found for row in batch.to_pylist()]
    return {(row.pop("pipeline"), row.pop("version"), row.pop("model_version")): row for row in rows}


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
