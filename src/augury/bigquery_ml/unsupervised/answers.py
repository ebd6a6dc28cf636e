"""How does a model answer a call: which settings, which columns of the rows, and which columns come back?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.refusing import another_type, lacking
from augury.bigquery_ml.unsupervised.values import bigquery_type, compatible
from augury.errors import ModelFailed, UsageError, nearest

Kinds = tuple[type, ...]

NUMBER: Kinds = (int, float)
WHOLE: Kinds = (int,)
FLAG: Kinds = (bool,)
WORDS = {NUMBER: "a number", WHOLE: "a whole number", FLAG: "TRUE or FALSE"}

TRIAL: Mapping[str, Kinds] = {"trial_id": WHOLE}


def settings(call: Call, known: Mapping[str, Kinds]) -> dict[str, Any]:
    """The STRUCT argument; NULL counts as not given. Raises UsageError with everything wrong in it."""
    problems: list[str] = []
    out: dict[str, Any] = {}
    for name, value in call.settings.items():
        if name not in known:
            close = nearest(name, known)
            hint = f", did you mean {close}?" if close else ""
            problems.append(f"there is no setting {name}{hint}")
        elif value is None:
            continue
        elif not isinstance(value, known[name]) or (isinstance(value, bool) and known[name] != FLAG):
            problems.append(f"{name} is {WORDS[known[name]]}, not {value!r}")
        else:
            out[name] = value
    if problems:
        takes = ", ".join(sorted(known)) or "none"
        raise UsageError(
            f"{shown(call)} of this model cannot be called so",
            why="; ".join(problems),
            fix=f"Settings that it takes: {takes}.",
        )
    return out


def refusal(call: Call, model_type: str, answered: Collection[str], *, tuned: bool) -> UsageError:
    """About a function that a model of a type with trials does not answer (BigQuery docs: 'Hyperparameter tuning
    overview')."""
    if call.function == "trial_info":
        return lacking("trial_info", model_type, "trials", "Use ML.TRAINING_INFO, or train with num_trials.")
    if call.function == "training_info" and tuned:
        return lacking("training_info", model_type, "a training without trials", "Use ML.TRIAL_INFO.")
    return another_type(call.function, model_type, answered)


def shown(call: Call) -> str:
    return f"ML.{call.function.upper()}"


def given(call: Call) -> pa.RecordBatchReader:
    """The rows. Raises UsageError where there are none."""
    if call.rows is None:
        raise UsageError(
            f"{shown(call)} needs rows for this model", fix="Give a table or a query: TABLE `t`, or (SELECT ...)."
        )
    return call.rows


def refuse_rows(call: Call) -> None:
    if call.rows is not None:
        raise UsageError(f"{shown(call)} takes no table or query for this model", fix="Leave it out.")


def located(call: Call, schema: pa.Schema, features: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Where each feature is among the columns. Raises ModelFailed with every one that is missing or of another type."""
    at: dict[str, int] = {}
    problems: list[str] = []
    for name, kind in features:
        place = find(call, schema, name)
        if isinstance(place, str):
            problems.append(place)
        elif not compatible(kind, bigquery_type(schema.field(place).type)):
            problems.append(f"{name}: expected {kind}, got {bigquery_type(schema.field(place).type)}")
        else:
            at[name] = place
    if problems:
        raise ModelFailed(
            f"{len(problems)} problem{'s' * (len(problems) != 1)} with the columns that the model expects",
            why="; ".join(problems),
            fix="Return the columns that the model was trained with, or train a new one.",
        )
    return at


def find(call: Call, schema: pa.Schema, name: str) -> int | str:
    """The place of a column, or what is wrong with it."""
    lower = {key.lower(): value for key, value in call.inputs.items()}
    wanted = lower.get(name.lower(), name)
    exact = [place for place, column in enumerate(schema.names) if column == wanted]
    places = exact or [place for place, column in enumerate(schema.names) if column.lower() == wanted.lower()]
    if len(places) == 1:
        return places[0]
    if places:
        return f"{name}: there are {len(places)} columns of that name"
    close = nearest(name, [column for column in schema.names if column not in call.hidden])
    return f"{name}: there is no such column" + (f", did you mean {close}?" if close else "")


def kept(call: Call, schema: pa.Schema, made: Sequence[str], without: Iterable[int] = ()) -> list[int]:
    """Columns of the rows that come back behind those `made`. Raises ModelFailed where a name would be there twice."""
    left_out = set(without)
    places = [at for at, name in enumerate(schema.names) if name not in call.hidden and at not in left_out]
    taken = {name.lower() for name in made}
    twice = [schema.names[at] for at in places if schema.names[at].lower() in taken]
    if twice:
        raise ModelFailed(
            f"{shown(call)} makes columns that the rows already have: {', '.join(twice)}",
            fix=f"Leave them out: SELECT * EXCEPT ({', '.join(twice)}) FROM ...",
        )
    return places


def per_batch(
    rows: pa.RecordBatchReader, made: pa.Schema, keep: Sequence[int], compute: Callable[[Any], list[Any]]
) -> pa.RecordBatchReader:
    """A reader with what `compute` makes of each batch, and the columns to keep behind it."""
    schema = pa.schema([*made, *(rows.schema.field(at) for at in keep)])

    def batches() -> Iterator[Any]:
        for batch in rows:
            # What is too large to be squared is infinitely far away: no reason to warn on standard error.
            with np.errstate(over="ignore", invalid="ignore"):
                arrays = compute(batch)
            columns = [array.cast(field.type) for array, field in zip(arrays, made, strict=True)]
            yield pa.RecordBatch.from_arrays([*columns, *(batch.column(at) for at in keep)], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def table(schema: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatchReader:
    """A reader over a few rows that are known already."""
    columns = [pa.array([row[name] for row in rows], schema.field(name).type) for name in schema.names]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    return pa.RecordBatchReader.from_batches(schema, iter([batch]))


def contamination(call: Call, asked: Mapping[str, Any]) -> float:
    """The share of training rows that count as anomalies. Raises UsageError.

    BigQuery docs: 'The ML.DETECT_ANOMALIES function', in [0, 0.5].
    """
    if "contamination" not in asked:
        raise UsageError(
            f"{shown(call)} of this model needs contamination", fix="Add STRUCT(0.02 AS contamination), for example."
        )
    share = float(asked["contamination"])
    if not 0 <= share <= 0.5:
        raise UsageError(
            f"contamination is {share:g}", why="it is a share of the training rows, from 0 to 0.5", fix="Try 0.02."
        )
    return share


def trial_table(hyperparameters: Any, metrics: Any, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatchReader:
    """ML.TRIAL_INFO: a trial with an error message failed. BigQuery docs: 'The ML.TRIAL_INFO function'."""
    schema = pa.schema(
        [
            ("trial_id", pa.int64()),
            ("hyperparameters", hyperparameters),
            ("hparam_tuning_evaluation_metrics", metrics),
            ("training_loss", pa.float64()),
            ("eval_loss", pa.float64()),
            ("status", pa.string()),
            ("error_message", pa.string()),
            ("is_optimal", pa.bool_()),
        ]
    )
    return table(schema, [{**row, "status": "FAILED" if row["error_message"] else "SUCCEEDED"} for row in rows])


def training_table(iterations: Sequence[Mapping[str, Any]]) -> pa.RecordBatchReader:
    """ML.TRAINING_INFO of one run without learning rates. BigQuery docs: 'The ML.TRAINING_INFO function'."""
    schema = pa.schema(
        [
            ("training_run", pa.int64()),
            ("iteration", pa.int64()),
            ("loss", pa.float64()),
            ("eval_loss", pa.float64()),
            ("learning_rate", pa.float64()),
            ("duration_ms", pa.int64()),
        ]
    )
    rows = [{"training_run": 0, "iteration": at, "learning_rate": None, **row} for at, row in enumerate(iterations)]
    return table(schema, rows)
