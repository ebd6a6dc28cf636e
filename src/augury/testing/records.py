"""Records that look like those of a real run, for tests that need one of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from augury.ledger.records import (
    DateRecord,
    Decision,
    ModelRecord,
    PartitionRecord,
    RunRecord,
    Status,
    StepRecord,
)

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY = date(2026, 1, 15)
NEXT = date(2026, 1, 16)
ODD = "a'b\"c;--\n\x00\udc80 ñ 日本"
"""Text that data and file names may bring."""
ODD_KEPT = "a'b\"c;--\n\\x00\\udc80 ñ 日本"


def a_run(run_id: str = "R1", **changes: Any) -> RunRecord:
    run = RunRecord(
        run_id=run_id,
        pipeline="ltv",
        version="v1",
        target="dev",
        command="augury run ltv",
        first_date=DAY,
        last_date=DAY,
        status=Status.RUNNING,
        started_at=NOON,
        host="here",
        pid=7,
        user="ada",
        augury_version="0.1.0",
    )
    return replace(run, **changes)


def a_step(name: str = "prepare", **changes: Any) -> StepRecord:
    step = StepRecord(
        run_id="R1",
        task="2026-01-15",
        pipeline="ltv",
        version="v1",
        run_date=DAY,
        step=name,
        attempt=1,
        status=Status.SUCCEEDED,
        started_at=NOON,
        seconds=0.25,
        reason="missing",
        table=f"ltv_v1_{name}",
        rows=10,
        bytes=1000,
        fingerprint="f1",
        model_version=3,
    )
    return replace(step, **changes)


def a_partition(step: str = "prepare", **changes: Any) -> PartitionRecord:
    partition = PartitionRecord(
        table=f"ltv_v1_{step}",
        run_date=DAY,
        pipeline="ltv",
        version="v1",
        step=step,
        status=Status.SUCCEEDED,
        fingerprint="f1",
        definition="d1",
        run_id="R1",
        rows=10,
        built_at=NOON,
        probe=2,
        model_version=3,
    )
    return replace(partition, **changes)


def a_date(**changes: Any) -> DateRecord:
    record = DateRecord("ltv", "v1", DAY, Status.SUCCEEDED, "R1", NOON, 10, 3, date(2026, 1, 14))
    return replace(record, **changes)


def a_model(**changes: Any) -> ModelRecord:
    model = ModelRecord(
        pipeline="ltv",
        version="v1",
        number=0,
        tick=DAY,
        cutoff=NOON,
        trained_at=NOON,
        run_id="R1",
        type="linear_reg",
        label="revenue",
        passed=True,
        verdict="mean_absolute_error 21.4 <= 40",
        fingerprint="f1",
        folder="_models/ltv_v1/1",
        sha256="0" * 64,
        seed=7,
        rows=24_000,
        dates=26,
        snapshot="s1",
        metrics={"mean_absolute_error": {"mean": 21.4, "std": 1.9, "folds": 4.0}},
        references={"prices": "1" * 64},
        features=("recency", "frequency"),
    )
    return replace(model, **changes)


def a_decision(action: str = "promote", subject: str = "3", **changes: Any) -> Decision:
    return replace(Decision(NOON, "ada", "here", action, "ltv", "v1", subject, effective_from=DAY), **changes)
