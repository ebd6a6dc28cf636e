"""What does CREATE MODEL ask of a type of model, and what can a trained one be asked?

The session reads a statement, runs its query and hands the rows over; a type turns them into a trained model, which
answers the ML functions that BigQuery ML documents for it, with the same column names and types. Rows stream through
a call: memory follows the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from augury.sql.bigquery_ml.values import Candidates as Candidates
from augury.sql.bigquery_ml.values import Range as Range

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Training:
    """What a CREATE MODEL statement gives to its type."""

    model_type: str
    """In lower case, as in SQL: `linear_reg`, `boosted_tree_classifier`, ..."""
    rows: pa.Table
    """What the query returned, after TRANSFORM; the columns that options name (labels, splits, weights, time
    series) are among them. BigQuery's types as DuckDB returns them: int64, double, decimal, bool, string, date32,
    timestamp (naive for DATETIME, UTC for TIMESTAMP), time64, binary, struct, list."""
    options: Mapping[str, Any]
    """Options that were given, by lower-case name: values are str, int, float, bool, list, dict, Range or Candidates.
    Names and values have been checked against the catalogue; defaults are the type's to fill in. Words of a fixed set
    are in lower case as the catalogue spells them; what may be one name or several is always a list; `class_weights`
    is a dict of label to weight; `input` and `output` are the clauses of that name, column to type; what is for the
    session (model_type, description, labels, ...) is not among them."""
    seed: int = 0
    """Same rows, options and seed give the same model."""
    threads: int = 1
    files: Mapping[str, Path] = field(default_factory=dict)
    """Local paths of what `model_path` names."""
    now: datetime | None = None
    """When training began, aware; shown in training information only."""


@dataclass(frozen=True)
class Call:
    """One ML function asked of a trained model."""

    function: str
    """In lower case without `ML.`: `predict`, `evaluate`, ..."""
    rows: pa.RecordBatchReader | None = None
    """The table or query argument, streamed; None where the call gives none."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The STRUCT argument by lower-case name; not checked yet: refuse unknown names with the nearest known one."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Feature or label name to the column of `rows` that holds it, where TRANSFORM made it (the column is then not part
    of the output); what is missing here is found under its own name, whatever its letter case."""

    @property
    def hidden(self) -> frozenset[str]:
        """Columns of `rows` that are no part of what the caller asked to see."""
        return frozenset(self.inputs.values())


@runtime_checkable
class TrainedModel(Protocol):
    """Safe to call from several threads."""

    model_type: str
    features: tuple[tuple[str, str], ...]
    """(name, BigQuery type) of each input column, in the order of training."""
    labels: tuple[str, ...]
    functions: frozenset[str]
    """ML functions that this model answers."""

    def call(self, call: Call) -> pa.RecordBatchReader:
        """The rows that BigQuery ML documents for the function, streamed; the schema is known before the first row.

        Raises ModelFailed (the model cannot answer for these rows: missing column, wrong type) and UsageError
        (unknown setting, a call that needs rows and has none, a function that is not among `functions`: what the model
        lacks and what to do; the session shows that).
        """

    def save(self, folder: Path) -> None:
        """Write the model into an existing empty folder: JSON and the formats of the libraries, no pickle."""

    def export(self, folder: Path) -> tuple[str, ...]:
        """EXPORT MODEL: files that other tools read (XGBoost UBJ/JSON, ONNX, JSON of weights); their names. Raises
        UsageError where BigQuery documents no export for the type."""


@runtime_checkable
class ModelType(Protocol):
    """A class with these attributes; never instantiated."""

    names: ClassVar[tuple[str, ...]]
    """Values of MODEL_TYPE in lower case."""

    @staticmethod
    def train(training: Training) -> TrainedModel:
        """Raises ModelFailed and UsageError with advice."""

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> TrainedModel:
        """What `save` wrote: same answers, bit for bit. Raises ModelFailed."""
