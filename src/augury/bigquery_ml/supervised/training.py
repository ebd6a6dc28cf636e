"""How does a CREATE MODEL statement become a trained model?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augury.bigquery_ml.contract import Training
from augury.bigquery_ml.supervised import evaluation, labels, linear_fit, linear_inputs, tree_fit, tree_inputs
from augury.bigquery_ml.supervised.arrays import floats
from augury.bigquery_ml.supervised.columns import Column, bigquery_type, bind, infer
from augury.bigquery_ml.supervised.explaining import attributions
from augury.bigquery_ml.supervised.fitting import Iteration, Target
from augury.bigquery_ml.supervised.kept import Kept, KeptIteration, RocPoint, Trial
from augury.bigquery_ml.supervised.linear_model import LinearScorer, fitted
from augury.bigquery_ml.supervised.model import Supervised
from augury.bigquery_ml.supervised.options import LinearOptions, Options, TreeOptions, task_of
from augury.bigquery_ml.supervised.reading import Request, read
from augury.bigquery_ml.supervised.scorer import LinearPredictor, Scorer, TreePredictor
from augury.bigquery_ml.supervised.space import trials as choices
from augury.bigquery_ml.supervised.split import Rows, Split, split
from augury.bigquery_ml.supervised.tree_model import TreeScorer
from augury.errors import ModelFailed, UsageError


@dataclass(frozen=True)
class Trained:
    """One trial, before it is judged."""

    scorer: Scorer
    iterations: tuple[Iteration, ...]
    linear: Any = None
    content: bytes | None = None


@dataclass(frozen=True)
class Ground:
    """What all trials of a model share."""

    columns: tuple[Column, ...]
    arrays: list[Any]
    """One per feature, all rows."""
    target: Target
    classes: tuple[Any, ...]
    split: Split
    fit: Callable[[Options], Trained]
    inputs: Mapping[str, Any]


def train(training: Training) -> Supervised:
    """Raises UsageError and ModelFailed."""
    request = read(training.model_type, training.options)
    options = request.base
    if not training.rows.num_rows:
        raise ModelFailed("the training query returned no rows", fix="Check its WHERE clause.")
    ground = _ground(training, options)
    results = _trials(request, ground, training.seed) if options.tuned else {1: ({}, _attempt(request, ground, {}))}
    objective = options.hparam_tuning_objectives or evaluation.DEFAULT_OBJECTIVE[ground.target.task]
    trials, contents = [], {}
    for at, (chosen, outcome) in results.items():
        if isinstance(outcome, str):
            trials.append(Trial(trial_id=at, hyperparameters=chosen, status="INFEASIBLE", error=outcome))
            continue
        trials.append(_judged(at, chosen, outcome, ground, objective, request.options(chosen)))
        if outcome.content is not None:
            contents[at] = outcome.content
    kept = Kept(
        model_type=training.model_type,
        task=ground.target.task,
        label=options.label,
        label_type=bigquery_type(labels.column(training.rows, options).type),
        classes=ground.classes,
        features=_features(training.rows.schema, ground.columns),
        columns=ground.columns,
        tuned=options.tuned,
        objective=objective,
        best=_best(trials, objective),
        global_explain=options.enable_global_explain,
        library=_library(options),
        trials=tuple(trials),
        **ground.inputs,
    )
    return Supervised(kept, contents, training.threads)


def _ground(training: Training, options: Options) -> Ground:
    rows = training.rows
    task = task_of(training.model_type)
    label = labels.column(rows, options)
    columns = infer(rows.schema, (options.label, *options.apart))
    arrays = bind(rows.schema, columns, {}).arrays(rows)
    for column, array in zip(columns, arrays, strict=True):
        if column.shape == "one" and column.kind == "number":
            floats(array, column.name)  # refuses infinities
    found = split(rows, options)
    classes: tuple[Any, ...] = ()
    if task == "regression":
        target = Target(task, labels.numbers(label, options.label), 0, _weights(training, options))
    else:
        classes = labels.classes(label, options.label, training.model_type)
        codes = labels.codes(label, classes)
        weights = _class_weights(classes, codes, found, options)
        target = Target(task, codes, len(classes), _weights(training, options) if weights is None else weights)
        left = np.unique(codes[found.train])
        if len(left) < 2:
            raise ModelFailed(
                f"the split leaves training rows of one class only: {classes[left[0]]}",
                fix="Change data_split_method, or add rows.",
            )
    if isinstance(options, LinearOptions):
        return _linear(columns, arrays, target, classes, found, options)
    assert isinstance(options, TreeOptions)
    return _trees(columns, arrays, target, classes, found, options, training)


def _linear(
    columns: tuple[Column, ...],
    arrays: list[Any],
    target: Target,
    classes: tuple[Any, ...],
    found: Split,
    options: LinearOptions,
) -> Ground:
    inputs = linear_inputs.learn(columns, arrays, options.category_encoding_method == "dummy_encoding")
    cells = linear_inputs.Reader(columns, inputs).read(arrays)

    def fit(trial: Options) -> Trained:
        assert isinstance(trial, LinearOptions)
        done = linear_fit.fit(inputs, cells, target, found, trial)
        linear = fitted(inputs, done)
        scorer = LinearPredictor(LinearScorer(columns, inputs, linear), target.task)
        return Trained(scorer, done.iterations, linear=linear)

    return Ground(columns, arrays, target, classes, found, fit, {"linear_inputs": inputs})


def _trees(
    columns: tuple[Column, ...],
    arrays: list[Any],
    target: Target,
    classes: tuple[Any, ...],
    found: Split,
    options: TreeOptions,
    training: Training,
) -> Ground:
    inputs = tree_inputs.learn(columns, arrays, options.category_encoding_method, target, found.train)
    matrix = tree_inputs.Encoder(columns, inputs).encode(arrays, training.rows.num_rows)

    def fit(trial: Options) -> Trained:
        assert isinstance(trial, TreeOptions)
        done = tree_fit.fit(matrix, target, found, trial, training.seed, training.threads)
        scorer = TreeScorer(columns, inputs, done.content, target.outputs, training.threads)
        return Trained(TreePredictor(scorer, target.task), done.iterations, content=done.content)

    return Ground(columns, arrays, target, classes, found, fit, {"tree_inputs": inputs})


def _weights(training: Training, options: Options) -> Any:
    name = getattr(options, "instance_weight_col", None)
    return labels.instance_weights(training.rows, name) if name else None


def _class_weights(classes: tuple[Any, ...], codes: Any, found: Split, options: Options) -> Any:
    """By the frequencies of the rows that train; the others are weighed alike, for their loss."""
    if not getattr(options, "auto_class_weights", False):
        return labels.class_weights(classes, codes, options)
    counts = np.bincount(codes[found.train], minlength=len(classes))
    return (len(found.train) / (len(classes) * np.maximum(counts, 1)))[codes]


def _trials(request: Request, ground: Ground, seed: int) -> dict[int, tuple[dict[str, Any], Trained | str]]:
    options = request.base
    found = choices(request.model_type, request.space, options.num_trials or 1, options.hparam_tuning_algorithm, seed)
    results: dict[int, tuple[dict[str, Any], Trained | str]] = {}
    for at, chosen in enumerate(found, start=1):
        try:
            results[at] = (chosen, _attempt(request, ground, chosen))
        except (ModelFailed, UsageError) as error:
            results[at] = (chosen, str(error))
    if all(isinstance(outcome, str) for _, outcome in results.values()):
        raise ModelFailed(f"all {len(results)} trials failed", why=str(results[1][1]), fix="Change what is tuned.")
    return results


def _attempt(request: Request, ground: Ground, chosen: Mapping[str, Any]) -> Trained:
    return ground.fit(request.options(chosen))


def _judged(
    at: int, chosen: Mapping[str, Any], done: Trained, ground: Ground, objective: str, options: Options
) -> Trial:
    figures, confusion, roc = _figures(done.scorer, ground, ground.split.reported)
    compared = _figures(done.scorer, ground, ground.split.compared)[0][objective] if options.tuned else None
    explained: tuple[tuple[float, ...], ...] = ()
    if options.enable_global_explain:
        held = [array.take(_places(ground.split.reported)) for array in ground.arrays]
        approximate = isinstance(options, TreeOptions) and options.approximate
        explained = attributions(done.scorer, held, len(ground.split.reported), approximate)
    return Trial(
        trial_id=at,
        hyperparameters=dict(chosen),
        objective=compared,
        iterations=tuple(KeptIteration(**vars(found)) for found in done.iterations),
        figures=figures,
        confusion=tuple(map(tuple, confusion)),
        roc=tuple(RocPoint(**dict(zip(RocPoint.model_fields, point, strict=True))) for point in roc),
        attributions=explained,
        linear=done.linear,
    )


def _figures(scorer: Scorer, ground: Ground, rows: Rows) -> tuple[evaluation.Figures, list[Any], list[Any]]:
    arrays = [array.take(_places(rows)) for array in ground.arrays]
    predicted = scorer.predict(arrays, len(rows))
    actual = ground.target.values[rows]
    if ground.target.task == "regression":
        return evaluation.regression(actual, predicted), [], []
    classes = len(ground.classes)
    confusion = evaluation.confusion(actual, evaluation.predicted(predicted), classes, classes)
    roc = evaluation.roc_curve(actual, predicted[:, 1], None) if classes == 2 else []
    return evaluation.classification(actual, predicted), confusion, roc


def _places(rows: Rows) -> Any:
    import pyarrow as pa

    return pa.array(rows)


def _best(trials: Sequence[Trial], objective: str) -> int:
    """The trial with the best objective; of equal ones the first."""
    if len(trials) == 1:
        return trials[0].trial_id
    better = next(names[objective] for names in evaluation.METRICS.values() if objective in names)
    sign = 1.0 if better == "lower" else -1.0
    usable = [trial for trial in trials if trial.status == "SUCCEEDED"]
    worst = float("inf")
    return min(usable, key=lambda t: (worst if t.objective is None else sign * t.objective, t.trial_id)).trial_id


def _features(schema: Any, columns: Sequence[Column]) -> tuple[tuple[str, str], ...]:
    sources = dict.fromkeys(column.source for column in columns)
    return tuple((name, bigquery_type(schema.field(name).type)) for name in sources)


def _library(options: Options) -> str:
    """Own numpy code fits linear models."""
    if isinstance(options, LinearOptions):
        return f"numpy {np.__version__}"
    from augury.models.native import xgboost

    return f"xgboost {xgboost().__version__}"
