"""How well would a model have done on dates after those it learned from?

Training dates are split in time. A test block follows its training dates, and a training date whose label
window is still open at the first test date is left out: its label holds days that the test predicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from augury.errors import ModelFailed
from augury.models import metrics
from augury.models.contract import FittedModel, ModelKind, TrainingSet

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Fold:
    train_dates: tuple[date, ...]
    test_dates: tuple[date, ...]


@dataclass(frozen=True)
class FoldPlan:
    folds: tuple[Fold, ...]
    """In time; the last one is the hold-out."""
    note: str = ""
    """What is special about them, in words; empty where they are as asked for."""


@dataclass(frozen=True)
class Metric:
    mean: float
    std: float
    """Of a sample; 0 with one fold."""
    values: tuple[float, ...]
    """One per fold in which it is defined."""


@dataclass(frozen=True)
class Evaluation:
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    note: str = ""
    holdout: TrainingSet | None = None
    """Rows of the last fold's test dates; None where nothing could be evaluated."""
    predictions: pa.Table | None = None
    """The candidate's, for the rows of `holdout`, by the model of the last fold."""
    on_holdout: Mapping[str, float] = field(default_factory=dict)
    """The candidate's metrics there. `score` gives those of another model on the same rows."""


def folds(dates: Sequence[date], horizon: int, k: int) -> FoldPlan:
    """At most `k` forward-chaining folds over the training dates. Pure.

    `horizon` is in days and includes any label delay. Where the dates span too little for `k` folds whose
    label windows are closed, there are fewer; where not even for one, a single split in time whose windows
    overlap; with one date none. The note says so.
    """
    days = sorted(set(dates))
    if len(days) < 2:
        return FoldPlan((), f"not evaluated: {len(days)} training date{'s' * (len(days) != 1)}")
    closed = days[0] + timedelta(days=horizon)
    testable = [day for day in days[1:] if day >= closed]
    if not testable:
        cut = max(1, int(len(days) * 0.8))
        fold = Fold(tuple(days[:cut]), tuple(days[cut:]))
        return FoldPlan((fold,), f"optimistic: label windows of {horizon}d overlap between training and test dates")
    # One block more than folds, so that the first fold has something to learn from.
    count = min(k, max(1, len(testable) - 1))
    size = max(1, len(testable) // (count + 1))
    blocks = [testable[len(testable) - size * at :][:size] for at in range(count, 0, -1)]
    found = tuple(
        Fold(
            tuple(day for day in days if day + timedelta(days=horizon) <= block[0] and day < block[0]),
            tuple(block),
        )
        for block in blocks
    )
    few = f"{count} of {k} folds: {len(days)} training dates with label windows of {horizon}d"
    return FoldPlan(found, few if count < k else "")


def evaluate(
    kind: type[ModelKind], training: TrainingSet, options: Any, seed: int, threads: int, plan: FoldPlan
) -> Evaluation:
    """Fit and score each fold. A fold that cannot be fitted, e.g. for want of a second class, is left out
    and noted.

    The model itself is fitted by the caller, on all rows.
    """
    figures: list[dict[str, float]] = []
    notes = [plan.note] if plan.note else []
    last: tuple[TrainingSet, pa.Table] | None = None
    for number, fold in enumerate(plan.folds, 1):
        train, test = on_dates(training, fold.train_dates), on_dates(training, fold.test_dates)
        try:
            predicted, scores = _fold(kind, train, test, options, seed, threads)
        except ModelFailed as error:
            notes.append(f"fold {number} of {len(plan.folds)} left out: {error.what}")
            continue
        figures.append(scores)
        last = (test, predicted)
    note = "; ".join(notes)
    if last is None:
        return Evaluation(note=note)
    names = dict.fromkeys(name for scores in figures for name in scores)
    return Evaluation(
        metrics={name: _metric([scores[name] for scores in figures if name in scores]) for name in names},
        note=note,
        holdout=last[0],
        predictions=last[1],
        on_holdout=figures[-1],
    )


def _fold(
    kind: type[ModelKind], train: TrainingSet, test: TrainingSet, options: Any, seed: int, threads: int
) -> tuple[pa.Table, dict[str, float]]:
    from augury.models import predictions

    if train.rows < 2 or not test.rows:
        raise ModelFailed(f"{train.rows} rows to learn from, {test.rows} to test")
    fitted = kind.fit(train, options, seed, threads)
    predicted = predictions.of(fitted, test.features)
    return predicted, _scores(fitted, predicted, test)


def score(fitted: FittedModel, rows: TrainingSet) -> dict[str, float]:
    """A model's metrics on labelled rows. Raises ModelFailed where they lack its features."""
    from augury.models import predictions

    return _scores(fitted, predictions.of(fitted, rows.features), rows)


def _scores(fitted: FittedModel, predicted: pa.Table, rows: TrainingSet) -> dict[str, float]:
    import pyarrow as pa

    from augury.models import labels, predictions

    if fitted.task == "classification":
        chances = predictions.probabilities(predicted, fitted.label_name, len(fitted.classes))
        return metrics.classification(labels.codes(rows.label, fitted.classes), chances, fitted.classes)
    values = predicted.column(f"predicted_{fitted.label_name}").to_numpy()
    return metrics.regression(rows.label.cast(pa.float64(), safe=False).to_numpy(), values)


def on_dates(training: TrainingSet, dates: Sequence[date]) -> TrainingSet:
    """The rows of a training set on some of its dates."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = pc.is_in(training.dates, value_set=pa.array(dates, type=pa.date32()))
    return TrainingSet(
        features=training.features.filter(mask),
        label=training.label.filter(mask),
        dates=training.dates.filter(mask),
        label_name=training.label_name,
    )


def _metric(values: list[float]) -> Metric:
    return Metric(fmean(values), stdev(values) if len(values) > 1 else 0.0, tuple(values))
