"""What does a matrix factorization answer?

BigQuery docs: 'The ML.RECOMMEND function', 'The ML.WEIGHTS function', 'The ML.EVALUATE function', 'The
ML.TRAINING_INFO function', 'The ML.TRIAL_INFO function'. ML.PREDICT is ML.RECOMMEND of pairs, with the columns as they
came. A tuned model keeps every trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.unsupervised import answers, factorization_files, ranking
from augury.bigquery_ml.unsupervised.factorization_files import Card, Keys
from augury.bigquery_ml.unsupervised.factors import Codes, Factors, Observed
from augury.bigquery_ml.unsupervised.values import NUMBERS, Vector, bigquery_type, numbers, one_array, text
from augury.errors import ModelFailed, UsageError
from augury.models import metrics as regression

ROWS = 65_536
"""Pairs that are recommended at a time."""

ERRORS = (
    "mean_absolute_error",
    "mean_squared_error",
    "mean_squared_log_error",
    "median_absolute_error",
    "r2_score",
    "explained_variance",
)
WEIGHTS = pa.list_(pa.struct([("factor", pa.int64()), ("weight", pa.float64())]))
GLOBAL = "global__INTERCEPT__"
"""What BigQuery ML calls the row of the global intercept."""


def measured(factors: Factors, rows: Observed, *, implicit: bool) -> dict[str, float | None]:
    """Evaluation metrics; None where they are not defined."""
    if implicit:
        return ranking.metrics(factors, rows.summed())
    found = regression.regression(rows.ratings, factors.scores(rows.users, rows.items))
    return {name: found.get(name) for name in ERRORS}


class FactorizationModel:
    model_type = "matrix_factorization"
    _functions: ClassVar[dict[str, str]] = {
        "predict": "_predict",
        "recommend": "_recommend",
        "evaluate": "_evaluate",
        "weights": "_weights",
        "training_info": "_training_info",
        "trial_info": "_trial_info",
    }

    def __init__(self, card: Card, keys: Keys, factors: Mapping[int, Factors]) -> None:
        self.card = card
        self.keys = keys
        self.factors = dict(factors)
        self.features: tuple[tuple[str, str], ...] = (card.user, card.item)
        self.labels: tuple[str, ...] = (card.rating,)
        self.functions = frozenset(self._functions) - {"training_info" if card.tuned else "trial_info"}
        self.predicted = f"predicted_{card.rating}{'_confidence' if card.implicit else ''}"

    def call(self, call: Call) -> pa.RecordBatchReader:
        if call.function not in self.functions:
            raise answers.refusal(call, self.model_type, self.functions, tuned=self.card.tuned)
        answer: pa.RecordBatchReader = getattr(self, self._functions[call.function])(call)
        return answer

    def _asked(self, call: Call) -> tuple[bool, Factors, int]:
        """Whether a trial was named, and what it found."""
        asked = answers.settings(call, answers.TRIAL if self.card.tuned else {})
        trial = asked.get("trial_id", self.card.best)
        if trial not in self.factors:
            raise UsageError(f"there is no trial {trial}", fix=f"Trials: {', '.join(map(str, self.factors))}.")
        return bool(asked), self.factors[trial], trial

    def _predict(self, call: Call) -> pa.RecordBatchReader:
        _, factors, _ = self._asked(call)
        rows = answers.given(call)
        at = answers.located(call, rows.schema, self.features)
        made = pa.schema([(self.predicted, pa.float64())])
        keep = answers.kept(call, rows.schema, made.names)

        def compute(batch: Any) -> list[Any]:
            return [pa.array(factors.scores(*self._pair(batch, at)))]

        return answers.per_batch(rows, made, keep, compute)

    def _pair(self, batch: Any, at: Mapping[str, int]) -> tuple[Codes, Codes]:
        user, item = batch.column(at[self.card.user[0]]), batch.column(at[self.card.item[0]])
        return self.keys.user_codes(user), self.keys.item_codes(item)

    def _recommend(self, call: Call) -> pa.RecordBatchReader:
        _, factors, _ = self._asked(call)
        rows = call.rows
        if rows is None:
            pairs = self._every(factors, np.arange(len(self.keys.users)), self.keys.users, of_users=True)
            return pa.RecordBatchReader.from_batches(self._pairs(self.keys.users.type, self.keys.items.type), pairs)
        there = [not isinstance(answers.find(call, rows.schema, name), str) for name, _ in self.features]
        if not any(there):
            raise ModelFailed(
                f"ML.RECOMMEND needs {self.card.user[0]}, {self.card.item[0]}, or both",
                why=f"the rows have {', '.join(rows.schema.names)}",
            )
        if all(there):
            return self._known_pairs(call, rows, factors)
        of_users = there[0]
        feature = self.features[0 if of_users else 1]
        place = answers.located(call, rows.schema, (feature,))[feature[0]]
        if len(rows.schema.names) > 1:
            raise UsageError(
                f"ML.RECOMMEND takes {feature[0]} alone, or {self.card.user[0]} and {self.card.item[0]}",
                why=f"the rows have {', '.join(rows.schema.names)}",
                fix=f"SELECT {feature[0]} FROM ...",
            )
        kind = rows.schema.field(place).type

        def batches() -> Iterator[Any]:
            for batch in rows:
                column = one_array(batch.column(place))
                codes = self.keys.user_codes(column) if of_users else self.keys.item_codes(column)
                yield from self._every(factors, codes, column, of_users=of_users)

        schema = self._pairs(*((kind, self.keys.items.type) if of_users else (self.keys.users.type, kind)))
        return pa.RecordBatchReader.from_batches(schema, batches())

    def _pairs(self, user: Any, item: Any) -> pa.Schema:
        return pa.schema([(self.card.user[0], user), (self.card.item[0], item), (self.predicted, pa.float64())])

    def _every(self, factors: Factors, codes: Codes, values: Any, *, of_users: bool) -> Iterator[Any]:
        """Each of `values`, whose codes are given, with everything on the other side."""
        others = self.keys.items if of_users else self.keys.users
        total, schema = len(codes) * len(others), None
        for start in range(0, total, ROWS):
            mine, theirs = np.divmod(np.arange(start, min(start + ROWS, total)), len(others))
            column, other = values.take(pa.array(mine)), others.take(pa.array(theirs))
            pair = (codes[mine], theirs) if of_users else (theirs, codes[mine])
            columns = (column, other) if of_users else (other, column)
            schema = schema or self._pairs(columns[0].type, columns[1].type)
            yield pa.RecordBatch.from_arrays([*columns, pa.array(factors.scores(*pair))], schema=schema)

    def _known_pairs(self, call: Call, rows: Any, factors: Factors) -> pa.RecordBatchReader:
        at = answers.located(call, rows.schema, self.features)
        places = [at[name] for name, _ in self.features]
        made = self._pairs(*(rows.schema.field(place).type for place in places))
        keep = answers.kept(call, rows.schema, made.names, places)

        def compute(batch: Any) -> list[Any]:
            return [*(batch.column(place) for place in places), pa.array(factors.scores(*self._pair(batch, at)))]

        return answers.per_batch(rows, made, keep, compute)

    def _evaluate(self, call: Call) -> pa.RecordBatchReader:
        named, factors, trial = self._asked(call)
        names = ranking.METRICS if self.card.implicit else ERRORS
        fields = [pa.field(name, pa.float64()) for name in names]
        schema = pa.schema([pa.field("trial_id", pa.int64()), *fields] if self.card.tuned else fields)
        if call.rows is None:
            listed = [one for one in self.card.trials if one.trial_id in self.factors]
            if named:
                listed = [one for one in listed if one.trial_id == trial]
            return answers.table(schema, [{"trial_id": one.trial_id, **one.metrics} for one in listed])
        found = measured(factors, self._observed(call, call.rows), implicit=self.card.implicit)
        return answers.table(schema, [{"trial_id": trial, **found}])

    def _observed(self, call: Call, rows: Any) -> Observed:
        at = answers.located(call, rows.schema, self.features)
        place = answers.find(call, rows.schema, self.card.rating)
        if isinstance(place, str):
            raise ModelFailed("ML.EVALUATE needs the rating", why=place, fix=f"Select {self.card.rating} too.")
        kind = bigquery_type(rows.schema.field(place).type)
        if kind not in NUMBERS:
            raise ModelFailed(f"{self.card.rating}: ratings are numbers, not {kind}")
        parts: list[tuple[Codes, Codes, Vector]] = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
        for batch in rows:
            ratings = numbers(one_array(batch.column(place)))
            if not np.isfinite(ratings).all():
                raise ModelFailed(
                    f"{self.card.rating}: {int(np.sum(~np.isfinite(ratings))):,} ratings are NULL or not finite",
                    fix=f"Add WHERE {self.card.rating} IS NOT NULL.",
                )
            parts.append((*self._pair(batch, at), ratings))
        users, items, all_ratings = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Observed(users, items, all_ratings)

    def _weights(self, call: Call) -> pa.RecordBatchReader:
        answers.settings(call, {})
        answers.refuse_rows(call)
        fields = [
            pa.field("processed_input", pa.string()),
            pa.field("feature", pa.string()),
            pa.field("factor_weights", WEIGHTS),
            pa.field("intercept", pa.float64()),
        ]
        schema = pa.schema([pa.field("trial_id", pa.int64()), *fields] if self.card.tuned else fields)
        return pa.RecordBatchReader.from_batches(schema, self._weight_batches(schema))

    def _weight_batches(self, schema: pa.Schema) -> Iterator[Any]:
        for trial, factors in self.factors.items():
            sides = (
                (self.card.user[0], self.keys.users, factors.users, factors.user_intercepts),
                (self.card.item[0], self.keys.items, factors.items, factors.item_intercepts),
            )
            for name, keys, weights, intercepts in sides:
                step = max(1, ROWS // weights.shape[1])
                for start in range(0, len(keys), step):
                    rows = slice(start, min(start + step, len(keys)))
                    yield _weight_batch(schema, trial, name, text(keys[rows]), weights[rows], intercepts[rows])
            known = {"trial_id": trial, "feature": GLOBAL, "intercept": factors.mean}
            columns = [pa.array([known.get(field.name)], field.type) for field in schema]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _training_info(self, call: Call) -> pa.RecordBatchReader:
        answers.settings(call, {})
        answers.refuse_rows(call)
        names = ("loss", "eval_loss", "duration_ms")
        return answers.training_table([dict(zip(names, row, strict=True)) for row in self.card.trials[0].losses])

    def _trial_info(self, call: Call) -> pa.RecordBatchReader:
        answers.settings(call, {})
        answers.refuse_rows(call)
        kinds = {"num_factors": pa.int64(), "l2_reg": pa.float64(), "wals_alpha": pa.float64()}
        names = [name for name in kinds if name in self.card.tuned_names]
        rows = [
            {
                "trial_id": trial.trial_id,
                "hyperparameters": {name: trial.hyperparameters.get(name) for name in names},
                "hparam_tuning_evaluation_metrics": {self.card.objective: trial.objective},
                "training_loss": trial.losses[-1][0] if trial.losses else None,
                "eval_loss": trial.losses[-1][1] if trial.losses else None,
                "error_message": trial.error,
                "is_optimal": trial.trial_id == self.card.best,
            }
            for trial in self.card.trials
        ]
        metrics = pa.struct([(self.card.objective, pa.float64())])
        return answers.trial_table(pa.struct([(name, kinds[name]) for name in names]), metrics, rows)

    def save(self, folder: Path) -> None:
        factorization_files.write(folder, self.card, self.keys, self.factors)

    def export(self, folder: Path) -> tuple[str, ...]:
        self.save(folder)
        return factorization_files.FILES

    @classmethod
    def load(cls, folder: Path) -> FactorizationModel:
        """Raises ModelFailed."""
        return cls(*factorization_files.read(folder))


def _weight_batch(schema: pa.Schema, trial: int, name: str, names: Any, weights: Vector, intercepts: Vector) -> Any:
    rows, count = weights.shape
    structs = pa.StructArray.from_arrays(
        [pa.array(np.tile(np.arange(1, count + 1), rows)), pa.array(np.ascontiguousarray(weights).ravel())],
        names=["factor", "weight"],
    )
    columns = {
        "trial_id": pa.array(np.full(rows, trial)),
        "processed_input": pa.array([name] * rows, pa.string()),
        "feature": names,
        "factor_weights": pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * count), structs),
        "intercept": pa.array(np.ascontiguousarray(intercepts)),
    }
    return pa.RecordBatch.from_arrays([columns[field.name].cast(field.type) for field in schema], schema=schema)
