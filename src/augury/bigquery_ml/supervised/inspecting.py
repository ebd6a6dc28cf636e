"""What did training find: weights, importances, iterations and trials?

BigQuery docs: 'The ML.WEIGHTS function', 'The ML.ADVANCED_WEIGHTS function', 'The ML.FEATURE_IMPORTANCE function', 'The
ML.TRAINING_INFO function', 'The ML.TRIAL_INFO function'.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.supervised import levels
from augury.bigquery_ml.supervised.kept import Kept, Trial
from augury.bigquery_ml.supervised.linear_inputs import AnyInput, Number, Sparse
from augury.bigquery_ml.supervised.linear_model import Linear
from augury.bigquery_ml.supervised.outputs import TRIAL, table
from augury.bigquery_ml.supervised.settings import Settings

if TYPE_CHECKING:
    from augury.bigquery_ml.supervised.model import Supervised

INTERCEPT = "__INTERCEPT__"
CATEGORY_WEIGHTS = pa.list_(pa.struct([("category", pa.string()), ("weight", pa.float64())]))


def weights(model: Supervised, call: Call, settings: Settings) -> Any:
    """All trials of a tuned model, one set per class where there are more than two."""
    kept = model.kept
    standardize = settings.flag("standardize")
    several = kept.outputs > 1
    rows: list[list[Any]] = []
    for trial in kept.usable:
        assert trial.linear is not None
        for at in range(kept.outputs):
            first = [trial.trial_id] if kept.tuned else []
            last = [_label(kept.classes[at])] if several else []
            rows += [[*first, *row, *last] for row in _weights(kept, trial.linear, at, standardize)]
    fields = [("processed_input", pa.string()), ("weight", pa.float64()), ("category_weights", CATEGORY_WEIGHTS)]
    return table(
        [*([TRIAL] if kept.tuned else []), *fields, *([("class_label", pa.string())] if several else [])], rows
    )


def _weights(kept: Kept, linear: Linear, at: int, standardize: bool) -> Iterator[list[Any]]:
    for item, row in zip(kept.linear_inputs, linear.weights[at], strict=True):
        if isinstance(item, Number):
            yield [item.name, row[0] if standardize else row[0] / item.scale, None]
        else:
            names = _categories(kept, item)
            yield [item.name, None, [{"category": name, "weight": w} for name, w in zip(names, row, strict=True)]]
    yield [INTERCEPT, _intercept(kept.linear_inputs, linear, at, standardize), None]


def _intercept(inputs: Sequence[AnyInput], linear: Linear, at: int, standardize: bool) -> float:
    """In the units of the features, the means of standardised inputs move into the intercept."""
    moved = 0.0
    if not standardize:
        for item, row in zip(inputs, linear.weights[at], strict=True):
            if isinstance(item, Number):
                moved += row[0] * item.mean / item.scale
    return linear.intercepts[at] - moved


def _categories(kept: Kept, item: AnyInput) -> list[str]:
    if isinstance(item, Sparse):
        return [str(index) for index in range(item.width)]
    assert not isinstance(item, Number)
    kind = kept.columns[item.column].kind
    return [*(levels.text(level, kind) for level in item.levels), levels.NULL]


def advanced_weights(model: Supervised, call: Call, settings: Settings) -> Any:
    kept = model.kept
    standardize = settings.flag("standardize")
    linear = next(trial for trial in kept.trials if trial.trial_id == kept.best).linear
    assert linear is not None
    rows: list[list[Any]] = []
    for item, row, errors in zip(kept.linear_inputs, linear.weights[0], linear.errors, strict=True):
        if isinstance(item, Number):
            scale = 1.0 if standardize else item.scale
            error = None if errors[0] is None else errors[0] / scale
            rows.append([item.name, None, *_tested(row[0] / scale, error)])
            continue
        for name, weight, error in zip(_categories(kept, item), row, errors, strict=True):
            rows.append([item.name, name, *_tested(weight, error)])
    intercept = _intercept(kept.linear_inputs, linear, 0, standardize)
    # In units of the features the intercept is documented to have neither.
    found = _tested(intercept, linear.intercept_error) if standardize else [intercept, None, None]
    rows.append([INTERCEPT, None, *found])
    fields = [("processed_input", pa.string()), ("category", pa.string())]
    return table([*fields, *((name, pa.float64()) for name in ("weight", "standard_error", "p_value"))], rows)


def _tested(weight: float, error: float | None) -> list[float]:
    """Weight, standard error and the p-value of a two-sided test; NaN for a category that was left out."""
    if error is None:
        return [weight, math.nan, math.nan]
    if error == 0:
        return [weight, 0.0, 0.0 if weight else 1.0]
    return [weight, error, math.erfc(abs(weight) / error / math.sqrt(2))]


def feature_importance(model: Supervised, call: Call, settings: Settings) -> Any:
    kept = model.kept
    best = next(trial for trial in kept.trials if trial.trial_id == kept.best)
    found = model.importances(best)
    rows = [(column.name, *values) for column, values in zip(kept.columns, found, strict=True)]
    names = ("importance_weight", "importance_gain", "importance_cover")
    return table([("feature", pa.string()), *((name, pa.float64()) for name in names)], rows)


def training_info(model: Supervised, call: Call, settings: Settings) -> Any:
    rows = [
        (0, at, found.loss, found.eval_loss, found.learning_rate, found.duration_ms)
        for at, found in enumerate(model.kept.trials[0].iterations)
    ]
    doubles = [(name, pa.float64()) for name in ("loss", "eval_loss", "learning_rate")]
    return table([("training_run", pa.int64()), ("iteration", pa.int64()), *doubles, ("duration_ms", pa.int64())], rows)


def trial_info(model: Supervised, call: Call, settings: Settings) -> Any:
    kept = model.kept
    names = list(kept.trials[0].hyperparameters)
    kinds = {name: _kind(kept.trials, name) for name in names}
    rows = []
    for trial in kept.trials:
        last = trial.iterations[-1] if trial.iterations else None
        rows.append(
            (
                trial.trial_id,
                trial.hyperparameters,
                {kept.objective: trial.objective},
                last.loss if last else None,
                last.eval_loss if last else None,
                trial.status,
                trial.error,
                trial.trial_id == kept.best,
            )
        )
    fields = [
        TRIAL,
        ("hyperparameters", pa.struct([(name, kinds[name]) for name in names])),
        ("hparam_tuning_evaluation_metrics", pa.struct([(kept.objective, pa.float64())])),
        ("training_loss", pa.float64()),
        ("eval_loss", pa.float64()),
        ("status", pa.string()),
        ("error_message", pa.string()),
        ("is_optimal", pa.bool_()),
    ]
    return table(fields, rows)


def _kind(trials: Sequence[Trial], name: str) -> Any:
    values = [trial.hyperparameters[name] for trial in trials]
    if any(isinstance(value, str) for value in values):
        return pa.string()
    return pa.int64() if all(isinstance(value, int) for value in values) else pa.float64()


def _label(label: Any) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)
