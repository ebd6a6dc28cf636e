"""How good is a model, on rows that are given or on those that training held out?

BigQuery docs: 'The ML.EVALUATE function', 'The ML.CONFUSION_MATRIX function', 'The ML.ROC_CURVE function'. Without
rows, a tuned model answers ML.EVALUATE for all of its trials ('Hyperparameter tuning overview', model serving
functions).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.supervised import evaluation
from augury.bigquery_ml.supervised.columns import bigquery_type, find
from augury.bigquery_ml.supervised.evaluation import METRICS, Figures
from augury.bigquery_ml.supervised.labels import codes, same_family
from augury.bigquery_ml.supervised.options import Task
from augury.bigquery_ml.supervised.outputs import TRIAL, class_type, gathered, table
from augury.bigquery_ml.supervised.settings import Settings
from augury.errors import ModelFailed, UsageError

if TYPE_CHECKING:
    from augury.bigquery_ml.supervised.model import Supervised

ROC = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def evaluate(model: Supervised, call: Call, settings: Settings) -> Any:
    kept = model.kept
    fields = [(name, pa.float64()) for name in METRICS[kept.task]]
    if call.rows is None:
        _no_threshold(settings)
        if not kept.tuned:
            return table(fields, [_figures(kept.trials[0].figures, kept.task)])
        named = [model.trial(settings)] if settings.has("trial_id") else kept.usable
        return table([TRIAL, *fields], [[trial.trial_id, *_figures(trial.figures, kept.task)] for trial in named])
    threshold = model.threshold(settings)
    trial = model.trial(settings)
    actual, predicted = _compared(model, call, settings)
    if predicted is None:
        figures: Figures = dict.fromkeys(METRICS[kept.task])
    elif kept.task == "regression":
        figures = evaluation.regression(actual.cast(pa.float64(), safe=False).to_numpy(), predicted)
    else:
        figures = evaluation.classification(codes(actual, kept.classes), predicted, threshold)
    row = _figures(figures, kept.task)
    return table([TRIAL, *fields], [[trial.trial_id, *row]]) if kept.tuned else table(fields, [row])


def _figures(figures: Figures, task: Task) -> list[float | None]:
    """A precision without any positive prediction is NaN, as documented; what else is not defined is NULL."""
    names = METRICS[task]
    return [
        float("nan") if name == "precision" and name in figures and figures[name] is None else figures.get(name)
        for name in names
    ]


def confusion_matrix(model: Supervised, call: Call, settings: Settings) -> Any:
    kept = model.kept
    names = column_names(kept.classes)
    trial = model.trial(settings)
    kind = class_type(kept.classes)
    if call.rows is None:
        _no_threshold(settings)
        rows: Sequence[Sequence[Any]] = [
            [label, *counts] for label, counts in zip(kept.classes, trial.confusion, strict=True)
        ]
    else:
        threshold = model.threshold(settings)
        actual, chances = _compared(model, call, settings)
        kind = actual.type
        rows = _confusion(kept.classes, actual, chances, threshold)
    fields = [("expected_label", kind), *((name, pa.int64()) for name in names)]
    return table(fields, rows)


def _confusion(
    classes: tuple[Any, ...], actual: Any, chances: npt.NDArray[Any] | None, threshold: float
) -> list[list[Any]]:
    """One row per label of the rows, and per class that they lack; ascending."""
    seen = pc.unique(actual).to_pylist()
    labels = sorted({*seen, *classes})
    if chances is None:
        return [[label, *([0] * len(classes))] for label in labels]
    places = pc.index_in(actual, value_set=pa.array(labels, actual.type)).to_numpy().astype(np.int64)
    counts = evaluation.confusion(places, evaluation.predicted(chances, threshold), len(labels), len(classes))
    return [[label, *row] for label, row in zip(labels, counts, strict=True)]


def column_names(classes: Sequence[Any]) -> list[str]:
    """Labels as column names: other characters than letters, digits and _ replaced, no digit first, each only once."""
    names: list[str] = []
    for label in classes:
        text = str(label).lower() if isinstance(label, bool) else str(label)
        name = re.sub(r"\W", "_", text) or "_"
        name = f"_{name}" if name[0].isdigit() else name
        taken = {"expected_label", *(known.lower() for known in names)}
        at, unique = 1, name
        while unique.lower() in taken:
            unique, at = f"{name}_{at}", at + 1
        names.append(unique)
    return names


def roc_curve(model: Supervised, call: Call, settings: Settings) -> Any:
    kept = model.kept
    trial = model.trial(settings)
    thresholds = settings.shares("thresholds")
    fields = [(name, pa.float64()) for name in ("threshold", "recall", "false_positive_rate")]
    fields += [(name, pa.int64()) for name in ROC]
    if call.rows is None:
        if thresholds is not None:
            raise UsageError("thresholds need rows", fix="Add TABLE name, or a query in parentheses.")
        points: Sequence[Sequence[Any]] = [list(point.model_dump().values()) for point in trial.roc]
    else:
        actual, chances = _compared(model, call, settings)
        points = [] if chances is None else evaluation.roc_curve(codes(actual, kept.classes), chances[:, 1], thresholds)
    return table(fields, points)


def _no_threshold(settings: Settings) -> None:
    if settings.has("threshold"):
        raise UsageError("threshold needs rows", fix="Add TABLE name, or a query in parentheses.")


def _compared(model: Supervised, call: Call, settings: Settings) -> tuple[Any, npt.NDArray[Any] | None]:
    """The labels of the call's rows and what is predicted for them. Raises ModelFailed."""
    assert call.rows is not None
    kept = model.kept
    place = find(call.rows.schema, kept.label, call.inputs)
    if isinstance(place, str):
        raise ModelFailed(f"the label column: {place}", fix="Return the label with the rows to be judged.")
    arrow = call.rows.schema.field(place).type
    if not pa.types.is_null(arrow) and not same_family(arrow, kept.classes, kept.task):
        raise ModelFailed(
            f"the label {kept.label} is {bigquery_type(arrow)}: the model was trained with {kept.label_type}",
            fix="Cast it in the query.",
        )
    labels, values = gathered(call, place, model.reader(call, model.trial(settings)))
    if labels.null_count:
        raise ModelFailed(
            f"the label {kept.label} is NULL in {labels.null_count:,} of {len(labels):,} rows",
            fix=f"Add WHERE {kept.label} IS NOT NULL.",
        )
    return labels, values
