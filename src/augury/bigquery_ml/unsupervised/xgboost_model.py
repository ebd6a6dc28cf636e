"""What does an imported XGBoost model answer?

BigQuery docs: 'The CREATE MODEL statement for importing XGBoost models'. The answer is the library's own: of
`binary:logistic` the probability, of `multi:softprob` an array, whatever the objective.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.contract import Call, Training
from augury.bigquery_ml.refusing import another_type
from augury.bigquery_ml.unsupervised import answers, given, model_path
from augury.bigquery_ml.unsupervised.values import NUMBERS, numbers, one_array
from augury.errors import ModelFailed, UsageError, nearest
from augury.models.signature import read_json
from augury.models.xgboost_booster import parse, refused
from augury.models.xgboost_file import check_whole
from augury.models.xgboost_library import Booster

CARD, FILE = "xgboost.json", "model.xgboost"
ENDINGS = (".bst", ".ubj", ".json")
MEGABYTES = 250
OUTPUT = "predicted_label"

TYPES = {"int": "INT64", "i": "INT64", "c": "INT64", "float": "FLOAT64", "q": "FLOAT64"}
"""XGBoost's feature types. BigQuery documents that categories are integer inputs."""


class Card(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    sha256: str
    features: tuple[tuple[str, str], ...]
    output: str
    width: int
    """Values per row; 1 is a scalar."""


class XGBoostModel:
    model_type = "xgboost"
    labels: tuple[str, ...] = ()
    functions = frozenset({"predict", "feature_importance"})

    def __init__(self, card: Card, content: bytes, booster: Booster, threads: int) -> None:
        self.card = card
        self.content = content
        self.booster = booster
        self.features = card.features
        booster.set_param({"nthread": threads, "verbosity": 0})
        _first(booster)

    def call(self, call: Call) -> pa.RecordBatchReader:
        if call.function not in self.functions:
            raise another_type(call.function, self.model_type, self.functions)
        return self._predict(call) if call.function == "predict" else self._importance(call)

    def _predict(self, call: Call) -> pa.RecordBatchReader:
        answers.settings(call, {})
        rows = answers.given(call)
        at = answers.located(call, rows.schema, self.features)
        kind = pa.float64() if self.card.width == 1 else pa.list_(pa.float64())
        made = pa.schema([(self.card.output, kind)])
        keep = answers.kept(call, rows.schema, made.names)

        def compute(batch: Any) -> list[Any]:
            matrix = np.empty((batch.num_rows, len(self.features)), order="F")
            for place, (name, _) in enumerate(self.features):
                matrix[:, place] = numbers(one_array(batch.column(at[name])))
            if not len(matrix):
                return [pa.nulls(0, kind)]
            with refused("the model cannot score the rows"):
                found = self.booster.inplace_predict(matrix).astype(np.float64)
            if self.card.width == 1:
                return [pa.array(found.ravel())]
            offsets = pa.array(np.arange(len(matrix) + 1, dtype=np.int32) * self.card.width)
            return [pa.ListArray.from_arrays(offsets, pa.array(found.ravel()))]

        return answers.per_batch(rows, made, keep, compute)

    def _importance(self, call: Call) -> pa.RecordBatchReader:
        """Features that no tree splits on have 0. BigQuery docs: 'The ML.FEATURE_IMPORTANCE function'."""
        answers.settings(call, {})
        answers.refuse_rows(call)
        stored = self.booster.feature_names or [f"f{at}" for at in range(len(self.features))]
        with refused("the model has no trees whose features could be weighed"):
            found = {kind: self.booster.get_score(importance_type=kind) for kind in ("weight", "gain", "cover")}
        schema = pa.schema(
            [("feature", pa.string()), *((f"importance_{kind}", pa.float64()) for kind in ("weight", "gain", "cover"))]
        )
        rows = [
            {"feature": name, **{f"importance_{kind}": scores.get(key, 0.0) for kind, scores in found.items()}}
            for key, (name, _) in zip(stored, self.features, strict=True)
        ]
        return answers.table(schema, rows)

    def save(self, folder: Path) -> None:
        (folder / FILE).write_bytes(self.content)
        (folder / CARD).write_text(self.card.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def export(self, folder: Path) -> tuple[str, ...]:
        raise UsageError("an imported model is not exported", fix=f"It is the file {self.card.file}.")


def bring_in(training: Training) -> XGBoostModel:
    """Raises UsageError and ModelFailed."""
    options = given.read(given.XGBoostOptions, training.options)
    file = model_path.read(training, ENDINGS, MEGABYTES)
    booster = _parsed(file.content, file.name)
    shape = _first(booster)
    if _targets(booster) > 1:
        raise ModelFailed(f"{file.name} predicts several values", why="BigQuery ML takes one scalar or array")
    card = Card(
        file=file.name,
        sha256=file.sha256,
        features=_features(booster, options.input, file.name),
        output=_output(options.output),
        width=1 if len(shape) == 1 else shape[1],
    )
    return XGBoostModel(card, file.content, booster, training.threads)


def load(folder: Path, threads: int) -> XGBoostModel:
    """Raises ModelFailed."""
    card = read_json(Card, folder / CARD)
    content = model_path.verified(folder / FILE, card.sha256)
    return XGBoostModel(card, content, _parsed(content, card.file), threads)


def _parsed(content: bytes, name: str) -> Booster:
    check_whole(content, name)
    return parse(content, name)


def _first(booster: Booster) -> tuple[int, ...]:
    """The shape of a prediction. The first one configures the booster; all later ones only read, in any thread."""
    with refused("the model cannot predict"):
        return booster.inplace_predict(np.full((1, booster.num_features()), np.nan)).shape


def _targets(booster: Booster) -> int:
    return int(json.loads(booster.save_config())["learner"]["learner_model_param"].get("num_target", 1))


def _features(booster: Booster, clause: dict[str, str] | None, file: str) -> tuple[tuple[str, str], ...]:
    names, kinds = booster.feature_names, booster.feature_types
    if clause is None:
        if not names or not kinds:
            raise UsageError(
                f"{file} does not say the names and types of its {booster.num_features()} features",
                fix="Add them to the statement: INPUT(f1 FLOAT64, f2 INT64, ...) OUTPUT(predicted_label FLOAT64).",
            )
        return tuple((name, TYPES.get(kind, "FLOAT64")) for name, kind in zip(names, kinds, strict=True))
    problems = [f"{name} {kind}: inputs are numbers" for name, kind in clause.items() if kind.upper() not in NUMBERS]
    if len(clause) != booster.num_features():
        problems.append(f"{len(clause)} inputs are listed, the file has {booster.num_features()}")
    elif names and list(clause) != names:
        for name in clause:
            if name not in names:
                close = nearest(name, names)
                problems.append(f"{name} is not in the file" + (f", did you mean {close}?" if close else ""))
        if sorted(clause) == sorted(names):
            problems.append(f"the file has another order: {', '.join(names)}")
    if problems:
        raise UsageError(f"INPUT does not fit {file}", why="; ".join(problems))
    return tuple((name, kind.upper()) for name, kind in clause.items())


def _output(clause: dict[str, str] | None) -> str:
    if clause is None:
        return OUTPUT
    if len(clause) != 1 or next(iter(clause.values())).upper() != "FLOAT64":
        raise UsageError("OUTPUT is one column of type FLOAT64", fix=f"Write OUTPUT({OUTPUT} FLOAT64).")
    return next(iter(clause))
