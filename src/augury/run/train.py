"""How does a tick get its model? Assemble, evaluate, gate, fit on all rows, save; the ledger registers it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from augury import plugins
from augury.errors import ModelFailed, Place
from augury.events import StepFinished
from augury.ledger.records import ModelRecord, PartitionRecord, Status, StepRecord
from augury.models import evaluation, gate
from augury.models.contract import FittedModel, TrainingSet
from augury.models.evaluation import Evaluation
from augury.plan.steps import Task
from augury.run.assembly import assemble
from augury.run.limits import Meter
from augury.run.models import Scorer, model_folder
from augury.run.recovery import record_of
from augury.run.work import Work
from augury.spec.pipeline import Model
from augury.warehouses.contract import Partition

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class _Candidate:
    fitted: FittedModel
    rows: TrainingSet
    evaluation: Evaluation
    verdict: gate.Verdict
    snapshot: str
    partition: Partition
    """The training set."""


@dataclass(frozen=True)
class Trained:
    """What the ledger will hear about a training."""

    model: ModelRecord
    """Still without its number: the ledger gives it."""
    step: StepRecord
    partitions: tuple[PartitionRecord, ...] = ()


def train(work: Work, task: Task, scorer: Scorer) -> Trained:
    """Train the model of a tick.

    Raises ModelFailed where there is nothing to learn from, LimitExceeded where it took more than `limits.steps.train`,
    QueryRefused and DataRefused as other steps do.
    """
    started, at = time.monotonic(), work.clock()
    try:
        with Meter(work.pipeline.settings.limits).step("train"), work.charging("train"):
            record, partition = _in_sql(work, task) if work.pipeline.in_sql else _in_process(work, task, scorer)
    except ModelFailed as error:
        raise error.at(Place(step="train", file=work.pipeline.file)) from error
    pipeline = work.pipeline
    kept = (record_of(partition, task.day, pipeline.name, pipeline.version, Status.SUCCEEDED),) if partition else ()
    return Trained(record, _step(work, task, record, at, time.monotonic() - started), kept)


def _in_process(work: Work, task: Task, scorer: Scorer) -> tuple[ModelRecord, Partition]:
    candidate = _candidate(work, task, scorer)
    return _register(work, task, candidate), candidate.partition


def _in_sql(work: Work, task: Task) -> tuple[ModelRecord, Partition | None]:
    from augury.run.train_sql import train_in_sql

    return train_in_sql(work, task, _blank(work, task))


def untrainable(work: Work, task: Task, error: ModelFailed) -> Trained:
    """The records of a tick that had too little to learn from: a verdict without a model."""
    at = work.clock()
    record = replace(_blank(work, task), passed=False, verdict=f"not trained: {error.what}", note=error.fix or "")
    return Trained(record, _step(work, task, record, at, 0.0))


def _step(work: Work, task: Task, record: ModelRecord, at: datetime, seconds: float) -> StepRecord:
    step = StepRecord(
        run_id=work.run_id,
        task=task.key,
        pipeline=work.pipeline.name,
        version=work.pipeline.version,
        run_date=task.day,
        step="train",
        attempt=1,
        status=Status.SUCCEEDED if record.passed else Status.HELD,
        started_at=at,
        seconds=seconds,
        reason=task.reason,
        rows=record.rows,
        fingerprint=task.fingerprint,
        detail=record.verdict,
    )
    work.tell(
        StepFinished(
            work.run_id,
            work.pipeline.name,
            task.day,
            "train",
            str(step.status),
            record.rows,
            seconds,
            record.verdict,
        )
    )
    return step


def _candidate(work: Work, task: Task, scorer: Scorer) -> _Candidate:
    from augury.models import training

    settings = _model(work)
    kind = plugins.load("models", settings.type)
    options = kind.Options(**settings.options)
    assembled = assemble(work, task)
    table = assembled.rows
    entities = work.pipeline.settings.entities
    rows = training.training_set(
        table,
        entity=entities,
        label=settings.label,
        task=kind.task,
        features=settings.features,
        exclude=settings.exclude,
    )
    chosen = settings.train
    horizon = (work.pipeline.settings.horizon or 0) + chosen.label_delay
    days = sorted(set(rows.dates.to_pylist()))
    plan = evaluation.folds(days, horizon, chosen.folds)
    evaluated = evaluation.evaluate(kind, rows, options, chosen.seed, work.threads, plan)
    duel = _duel(work, task, scorer, rows, plan) if settings.gate.beats else None
    verdict = gate.decide(
        kind.task,
        settings.gate.thresholds,
        evaluated.metrics,
        note=evaluated.note,
        on_holdout=duel.own if duel else None,
        champion=duel.rival if duel else None,
    )
    fitted = kind.fit(rows, options, chosen.seed, work.threads)
    return _Candidate(fitted, rows, evaluated, verdict, _snapshot(table, entities), assembled.partition)


def _snapshot(table: pa.Table, entities: tuple[str, ...]) -> str:
    from augury.models import training

    return training.snapshot(table, ("run_date", *entities))


@dataclass(frozen=True)
class _Duel:
    own: Mapping[str, float]
    rival: gate.Rival


def _duel(work: Work, task: Task, scorer: Scorer, rows: TrainingSet, plan: evaluation.FoldPlan) -> _Duel | None:
    """Candidate and champion on the same rows of the hold-out; None where there is no champion to beat.

    Only dates that the champion has not learned from count, and the candidate learns from all dates before them, as
    the champion did: the purged folds are the stricter test, but one that a champion would always win.
    """
    record = scorer.champion_before(task.day)
    if record is None or not plan.folds:
        return None
    name = f"{work.pipeline.name}@{record.number}"
    holdout = plan.folds[-1].test_dates
    learned = max(work.ticks.training_dates(record.tick), default=holdout[0])
    days = [day for day in holdout if day > learned] or list(holdout)
    known = sorted({day for day in rows.dates.to_pylist() if day < days[0]})
    settings = _model(work)
    kind = plugins.load("models", settings.type)
    test = evaluation.on_dates(rows, days)
    try:
        candidate = kind.fit(
            evaluation.on_dates(rows, known),
            kind.Options(**settings.options),
            settings.train.seed,
            work.threads,
        )
        own = evaluation.score(candidate, test)
        return _Duel(own, gate.Rival(name, evaluation.score(scorer.fitted(record), test)))
    except ModelFailed as error:
        # Features were renamed or dropped since: the old champion cannot be asked, so it cannot be beaten either.
        work.notice(f"no comparison with {name}: {error.what}", day=task.day, step="train")
        return None


def _register(work: Work, task: Task, candidate: _Candidate) -> ModelRecord:
    from augury.models import artifacts, model_card

    settings = _model(work)
    kind = plugins.load("models", settings.type)
    cutoff = work.pipeline.cutoffs.of(task.day)
    folder = model_folder(work, f"{task.day}-{work.run_id}")
    artifacts.save(
        candidate.fitted,
        work.models / folder,
        artifacts.Facts(
            kind=settings.type,
            libraries=kind.libraries,
            options=kind.Options(**settings.options).model_dump(mode="json"),
            seed=settings.train.seed,
            golden=artifacts.golden_rows(candidate.rows),
            tick=task.day,
            cutoff=cutoff,
            rows=candidate.rows.rows,
            dates=len(task.dates),
            snapshot=candidate.snapshot,
            metrics=candidate.evaluation.metrics,
            note=candidate.evaluation.note,
        ),
    )
    return replace(
        _blank(work, task),
        passed=candidate.verdict.passed,
        verdict=candidate.verdict.reason,
        folder=str(folder),
        sha256=model_card.card_sha256(work.models / folder),
        rows=candidate.rows.rows,
        snapshot=candidate.snapshot,
        metrics=_metrics(candidate.evaluation),
        features=tuple(feature.name for feature in candidate.fitted.features),
        note=candidate.evaluation.note,
    )


def _blank(work: Work, task: Task) -> ModelRecord:
    """What is known of a model before it is trained; the ledger gives it its number."""
    settings = _model(work)
    return ModelRecord(
        pipeline=work.pipeline.name,
        version=work.pipeline.version,
        number=0,
        tick=task.day,
        cutoff=work.pipeline.cutoffs.of(task.day),
        trained_at=work.clock(),
        run_id=work.run_id,
        type=settings.type,
        label=settings.label,
        passed=False,
        verdict="",
        fingerprint=task.fingerprint,
        folder="",
        sha256="",
        seed=settings.train.seed,
        rows=0,
        dates=len(task.dates),
        snapshot="",
        references=dict(work.facts.references) if work.graph.reads_references else {},
    )


def _metrics(evaluated: Evaluation) -> Mapping[str, Mapping[str, float]]:
    return {
        name: {"mean": metric.mean, "std": metric.std, "folds": float(len(metric.values))}
        for name, metric in evaluated.metrics.items()
    }


def _model(work: Work) -> Model:
    settings: Any = work.pipeline.settings.model
    assert isinstance(settings, Model)
    return settings
