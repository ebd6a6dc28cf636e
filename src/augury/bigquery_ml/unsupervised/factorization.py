"""How does a matrix factorization come from rows of users, items and ratings?

BigQuery docs: 'The CREATE MODEL statement for matrix factorization models'.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from augury.bigquery_ml.contract import Range, Training
from augury.bigquery_ml.unsupervised import given, ranking, trials
from augury.bigquery_ml.unsupervised.factorization_files import Card, Keys, Trial
from augury.bigquery_ml.unsupervised.factorization_model import FactorizationModel, measured
from augury.bigquery_ml.unsupervised.factors import Factors, Observed, Settings, fit
from augury.bigquery_ml.unsupervised.splits import split
from augury.bigquery_ml.unsupervised.values import NUMBERS, bigquery_type, numbers, one_array, unusable
from augury.errors import AuguryError, ModelFailed, UsageError, nearest

GROUPABLE = ("INT64", "NUMERIC", "BIGNUMERIC", "STRING", "BYTES", "BOOL", "DATE", "DATETIME", "TIME", "TIMESTAMP")

AXES = {
    "num_factors": trials.Axis("whole", Range(2, 20)),
    "l2_reg": trials.Axis("log", Range(0, 10)),
    "wals_alpha": trials.Axis("linear", Range(0, 100)),
}
"""BigQuery docs: 'Hyperparameter tuning overview'."""

LOWER_IS_BETTER = ("mean_squared_error", "average_rank")


def train(training: Training) -> FactorizationModel:
    """Raises ModelFailed and UsageError."""
    implicit = str(training.options.get("feedback_type", "explicit")).lower() == "implicit"
    axes = {name: axis for name, axis in AXES.items() if implicit or name != "wals_alpha"}
    plain, plan = trials.tuned(training.options, axes, training.seed)
    options = given.read(given.FactorizationOptions, plain)
    if options.wals_alpha is not None and not implicit:
        raise UsageError("WALS_ALPHA is for FEEDBACK_TYPE = 'IMPLICIT'", fix="Leave it out, or change the feedback.")
    objective = _objective(options, implicit=implicit)
    names = _columns(training.rows.schema, options)
    columns = [one_array(training.rows.column(name)) for name in names]
    keys, sets = _sets(options, names, columns, tuning=plan is not None, implicit=implicit)

    points: tuple[Mapping[str, Any], ...] = plan.points if plan else ({},)
    found: list[tuple[Trial, Factors | None]] = []
    for number, point in enumerate(points, 1):
        try:
            tried = given.read(given.FactorizationOptions, {**plain, **point})
            found.append(_tried(number, tried, sets, training, implicit=implicit))
        except AuguryError as error:
            if plan is None:
                raise
            found.append((Trial(trial_id=number, hyperparameters=dict(point), error="; ".join(error.lines())), None))
    factors = {trial.trial_id: those for trial, those in found if those is not None}
    if not factors:
        raise ModelFailed("every trial failed", why=found[0][0].error)
    card = Card(
        user=(names[0], bigquery_type(columns[0].type)),
        item=(names[1], bigquery_type(columns[1].type)),
        rating=names[2],
        implicit=implicit,
        tuned=plan is not None,
        tuned_names=tuple(points[0]),
        objective=objective,
        best=_best([trial for trial, _ in found if trial.error is None], objective).trial_id,
        trials=tuple(trial for trial, _ in found),
    )
    return FactorizationModel(card, keys, factors)


def _sets(
    options: given.FactorizationOptions, names: list[str], columns: list[Any], *, tuning: bool, implicit: bool
) -> tuple[Keys, list[Observed]]:
    """Who has factors, and the rows to learn from, to evaluate and to test. Only rows to learn from give factors."""
    ratings = _checked(names, columns, implicit=implicit)
    everybody = Keys(*(_keys(column) for column in columns[:2]))
    order = np.lexsort((ratings, everybody.item_codes(columns[1]), everybody.user_codes(columns[0])))
    parts = split(options, columns[3] if len(columns) > 3 else None, order, tuning=tuning)
    keys = Keys(*(_keys(column.take(pa.array(parts.train))) for column in columns[:2]))
    seen = Observed(keys.user_codes(columns[0]), keys.item_codes(columns[1]), ratings)
    return keys, [_part(seen, places, implicit=implicit) for places in (parts.train, parts.evaluate, parts.test)]


def _objective(options: given.FactorizationOptions, *, implicit: bool) -> str:
    known = ranking.METRICS if implicit else ("mean_squared_error",)
    asked = options.hparam_tuning_objectives or [known[0]]
    if len(asked) != 1 or asked[0] not in known:
        raise UsageError(
            f"this model cannot be tuned for {', '.join(asked)}", fix=f"Give one objective of: {', '.join(known)}."
        )
    return asked[0]


def _best(good: list[Trial], objective: str) -> Trial:
    """The first of the best."""

    def key(trial: Trial) -> float:
        value = trial.objective
        if value is None:
            return math.inf
        return value if objective in LOWER_IS_BETTER else -value

    return min(good, key=key)


def _columns(schema: pa.Schema, options: given.FactorizationOptions) -> list[str]:
    """The names of user, item, rating and, where one is used, the split column. Raises ModelFailed."""
    wanted = {"USER_COL": options.user_col, "ITEM_COL": options.item_col, "RATING_COL": options.rating_col}
    if options.data_split_col is not None:
        wanted["DATA_SPLIT_COL"] = options.data_split_col
    found: list[str] = []
    problems: list[str] = []
    for option, name in wanted.items():
        match = next((column for column in schema.names if column.lower() == name.lower()), None)
        if match is None:
            close = nearest(name, schema.names)
            problems.append(f"there is no column {name} ({option})" + (f", did you mean {close}?" if close else ""))
        else:
            found.append(match)
    extra = [name for name in schema.names if name not in found]
    if not problems and extra:
        problems.append(f"a matrix factorization takes no other columns: {', '.join(extra)}")
    if problems:
        raise ModelFailed(
            f"{len(problems)} problem{'s' * (len(problems) != 1)} with the columns of the query",
            why="; ".join(problems),
            fix="Select the user, the item and the rating, and name them with USER_COL, ITEM_COL and RATING_COL.",
        )
    return found


def _checked(names: list[str], columns: list[Any], *, implicit: bool) -> Any:
    """The ratings. Raises ModelFailed with everything wrong with the rows."""
    if not len(columns[0]):
        raise ModelFailed("the query of CREATE MODEL returned no rows", fix="Run the query on its own first.")
    problems = [
        f"{name}: {column.null_count:,} NULL{'s' * (column.null_count != 1)}"
        for name, column in zip(names[:3], columns, strict=False)
        if column.null_count
    ]
    for name, column in zip(names[:2], columns, strict=False):
        if bigquery_type(column.type) not in GROUPABLE:
            problems.append(f"{name}: {bigquery_type(column.type)} cannot name users or items")
    if bigquery_type(columns[2].type) not in NUMBERS:
        problems.append(f"{names[2]}: ratings are numbers, not {bigquery_type(columns[2].type)}")
    elif not columns[2].null_count:
        ratings = numbers(columns[2])
        if wrong := unusable(ratings):
            problems.append(f"{names[2]}: {wrong}")
        elif np.isnan(ratings).any():
            problems.append(f"{names[2]}: {int(np.isnan(ratings).sum()):,} ratings are NaN")
        elif implicit and (ratings < 0).any():
            problems.append(
                f"{names[2]}: {int(np.sum(ratings < 0)):,} ratings are negative, implicit feedback has none"
            )
        elif implicit and not (ratings > 0).any():
            problems.append(f"{names[2]}: no rating is above 0")
    if problems:
        raise ModelFailed(
            f"{len(problems)} problem{'s' * (len(problems) != 1)} with the rows",
            why="; ".join(problems),
            fix="Filter or fill these rows in the query of CREATE MODEL.",
        )
    return numbers(columns[2])


def _keys(column: Any) -> Any:
    """Distinct values, in order."""
    import pyarrow.compute as pc

    unique = pc.unique(column)
    # Arrow has no order of booleans.
    return unique.take(pc.sort_indices(unique.cast(pa.uint8()) if pa.types.is_boolean(unique.type) else unique))


def _part(seen: Observed, places: Any, *, implicit: bool) -> Observed:
    """Some rows; several ratings of a pair are several observations, or their sum where feedback is implicit."""
    rows = Observed(seen.users[places], seen.items[places], seen.ratings[places])
    return rows.summed() if implicit else rows


def _tried(
    number: int, options: given.FactorizationOptions, sets: list[Observed], training: Training, *, implicit: bool
) -> tuple[Trial, Factors]:
    learned, held_back, test = sets
    # BigQuery documents log2 of the number of rows as default.
    count = options.num_factors or min(200, max(2, int(math.log2(len(learned.ratings)))))
    alpha = 40.0 if options.wals_alpha is None else options.wals_alpha
    factors, steps = fit(
        learned,
        held_back,
        Settings(
            count=count,
            penalty=options.l2_reg,
            alpha=alpha if implicit else None,
            most=options.max_iterations,
            progress=options.min_rel_progress if options.early_stop else None,
            seed=training.seed,
            threads=training.threads,
        ),
    )
    judged = held_back if len(held_back.ratings) else learned
    last = test if len(test.ratings) else judged
    figures = measured(factors, judged, implicit=implicit)
    trial = Trial(
        trial_id=number,
        hyperparameters={"num_factors": count, "l2_reg": options.l2_reg, **({"wals_alpha": alpha} if implicit else {})},
        losses=tuple((step.loss, step.eval_loss, step.duration_ms) for step in steps),
        metrics=figures if last is judged else measured(factors, last, implicit=implicit),
        objective=figures[_objective(options, implicit=implicit)],
    )
    return trial, factors
