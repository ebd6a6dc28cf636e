"""Why does a model say what it says?

BigQuery docs: 'The ML.EXPLAIN_PREDICT function' and 'The ML.GLOBAL_EXPLAIN function'. Attributions of linear models
are exact; those of trees are Tree SHAP values. Both are on the scale of the raw value: log-odds for a classifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.supervised.columns import bind
from augury.bigquery_ml.supervised.evaluation import predicted
from augury.bigquery_ml.supervised.outputs import beside, class_type, doubles, table, whole_numbers
from augury.bigquery_ml.supervised.settings import Settings
from augury.errors import UsageError

if TYPE_CHECKING:
    from augury.bigquery_ml.supervised.model import Supervised

Matrix = npt.NDArray[np.float64]

TOP = 5
TOP_PER_CLASS = 10
"""Features of a class that ML.GLOBAL_EXPLAIN returns."""
ATTRIBUTIONS = pa.list_(pa.struct([("feature", pa.string()), ("attribution", pa.float64())]))
AT_ONCE = 16_384
"""Rows explained in one piece: attributions of a wide model take many times the memory of its rows."""


def explain_predict(model: Supervised, call: Call, settings: Settings) -> Any:
    kept = model.kept
    threshold = model.threshold(settings)
    trial = model.trial(settings)
    top = min(settings.count("top_k_features", TOP), len(kept.columns))
    approximate = settings.flag("approx_feature_contrib")
    if settings.has("approx_feature_contrib") and trial.linear is not None:
        raise UsageError("approx_feature_contrib only applies to trees", fix="Leave it out.")
    model.reader(call, trial)
    assert call.rows is not None
    binding = bind(call.rows.schema, kept.columns, call.inputs)
    scorer = model.scorer(trial)
    names = pa.array([column.name for column in kept.columns])
    tail = [pa.field("top_feature_attributions", ATTRIBUTIONS)]
    tail += [pa.field(f"{name}_prediction_value", pa.float64()) for name in ("baseline",)]
    tail += [pa.field(name, pa.float64()) for name in ("prediction_value", "approximation_error")]
    kind = class_type(kept.classes) if kept.classes else pa.float64()
    head = [pa.field(f"predicted_{kept.label}", kind)]
    if kept.classes:
        head.append(pa.field("probability", pa.float64()))

    def compute(batch: Any) -> list[Any]:
        arrays, count = binding.arrays(batch), batch.num_rows
        values = scorer.predict(arrays, count)
        parts = scorer.contributions(arrays, count, approximate)
        if not kept.classes:
            return [doubles(values), *_columns(parts[:, 0], values, names, top, approximate)]
        said = predicted(values, threshold)
        chosen = _of_class(parts, said)
        rows = np.arange(count)
        raw = chosen.sum(axis=1) if not approximate else _log_odds(values[rows, said])
        best = pa.array(kept.classes, kind).take(whole_numbers(said))
        return [best, doubles(values[rows, said]), *_columns(chosen, raw, names, top, approximate)]

    return beside(call, [*head, *tail], compute)


def _of_class(parts: Matrix, said: npt.NDArray[np.int64]) -> Matrix:
    """The attributions to the class that is predicted; those to the other of two classes have the opposite sign."""
    if parts.shape[1] == 1:
        signs = np.where(said == 1, 1.0, -1.0)
        return parts[:, 0] * signs[:, None] + 0.0  # no -0
    return parts[np.arange(len(said)), said]


def _log_odds(chance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    certain = np.clip(chance, 1e-15, 1 - 1e-15)
    return np.log(certain / (1 - certain))


def _columns(parts: Matrix, raw: npt.NDArray[np.float64], names: Any, top: int, approximate: bool) -> list[Any]:
    count = len(parts)
    features, baseline = parts[:, :-1], parts[:, -1]
    order = np.argsort(-np.abs(features), axis=1, kind="stable")[:, :top]
    flat = doubles(np.take_along_axis(features, order, axis=1).ravel())
    offsets = pa.array(np.arange(0, count * top + 1, top, dtype=np.int32))
    pairs = pa.StructArray.from_arrays(
        [names.take(whole_numbers(order.ravel())), flat], names=["feature", "attribution"]
    )
    error = np.zeros(count)
    if approximate:
        distance = np.abs(raw - baseline)
        missed = np.abs(raw - baseline - features.sum(axis=1))
        error = np.divide(missed, distance, out=error, where=distance > 0)
    return [pa.ListArray.from_arrays(offsets, pairs), doubles(baseline), doubles(raw), doubles(error)]


def attributions(scorer: Any, arrays: list[Any], count: int, approximate: bool) -> tuple[tuple[float, ...], ...]:
    """Per output, the mean absolute attribution of each feature over rows."""
    total: Any = 0.0
    for start in range(0, count, AT_ONCE):
        piece = [array.slice(start, AT_ONCE) for array in arrays]
        size = min(AT_ONCE, count - start)
        total = total + np.abs(scorer.contributions(piece, size, approximate)[:, :, :-1]).sum(axis=0)
    return tuple(tuple(map(float, row)) for row in np.asarray(total) / count)


def global_explain(model: Supervised, call: Call, settings: Settings) -> Any:
    kept = model.kept
    by_class = settings.flag("class_level_explain")
    if by_class and not kept.classes:
        raise UsageError("class_level_explain needs a classifier", fix="Leave it out.")
    found = np.array(next(trial for trial in kept.trials if trial.trial_id == kept.best).attributions)
    names = [column.name for column in kept.columns]
    fields = [("feature", pa.string()), ("attribution", pa.float64())]
    if not by_class:
        mean = found.mean(axis=0)
        return table(fields, [(names[at], float(mean[at])) for at in np.argsort(-mean, kind="stable")])
    rows = []
    for at, label in enumerate(kept.classes):
        # Attributions to both of two classes differ by their sign only.
        values = found[at if len(found) > 1 else 0]
        best = np.argsort(-values, kind="stable")[:TOP_PER_CLASS]
        text = str(label).lower() if isinstance(label, bool) else str(label)
        rows += [(text, names[place], float(values[place])) for place in best]
    return table([("class_name", pa.string()), *fields], rows)
