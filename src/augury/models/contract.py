"""What does augury ask of a kind of model?

A kind fits a training set and returns a fitted model; a fitted model turns batches of features into batches
of predictions, and saves itself as files that hold no code. Heavy libraries are imported inside functions,
so that listing kinds and checking their options costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel

if TYPE_CHECKING:
    import pyarrow as pa

Task = Literal["regression", "classification"]

FeatureType = Literal["number", "boolean", "category", "date", "timestamp"]
"""`number` is any integer, float or decimal; `category` is text."""


@dataclass(frozen=True)
class Feature:
    """One input of a model, in the model's own order."""

    name: str
    type: FeatureType
    levels: tuple[str, ...] = ()
    """Of a category, in the order of their codes; a value outside them is treated as unseen."""


@dataclass(frozen=True)
class TrainingSet:
    """Rows to learn from: one per entity and training date."""

    features: pa.Table
    """Only the feature columns, in their final order."""
    label: pa.ChunkedArray
    """Without NULLs; same length as `features`."""
    dates: pa.ChunkedArray
    """date32: the training date of each row. Rows are ordered by it."""
    label_name: str

    @property
    def rows(self) -> int:
        return int(self.features.num_rows)


@runtime_checkable
class FittedModel(Protocol):
    """`predict` is called from several threads at once."""

    features: tuple[Feature, ...]
    task: Task
    label_name: str
    classes: tuple[Any, ...]
    """Class labels in the order of their probabilities; empty for a regression."""

    def predict(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Predictions for a batch that has at least the feature columns, in any order.

        Regression: `predicted_<label>` (float64). Classification: `predicted_<label>` of the label's type
        and `predicted_<label>_probs`, a list of structs (label, prob), as BigQuery ML returns them. Row
        count and order are those of `batch`. Raises ModelFailed on missing columns, other types or
        infinities.
        """

    def save(self, folder: Path) -> tuple[str, ...]:
        """Write the model into an existing empty folder; the names of its files. No pickle."""

    def importances(self) -> tuple[tuple[str, float], ...]:
        """(feature, weight) with the largest magnitude first; empty where the kind has none."""

    def splits(self) -> Mapping[str, Sequence[float]]:
        """Values around which predictions jump, by feature, ascending and finite, as numbers (see `features.encode`);
        categories and features without any are left out. A model made elsewhere is known again by rows around them."""


@runtime_checkable
class ModelKind(Protocol):
    """A class with these attributes, registered under `augury.models`; never instantiated."""

    task: ClassVar[Task | None]
    """None where the model file decides."""
    Options: ClassVar[type[BaseModel]]
    """Typed options; unknown names are errors."""
    trains: ClassVar[bool]
    """False for model files that exist already: `fit` is never called, `open_file` is."""
    requires: ClassVar[str]
    """The extra that brings its library, for error messages."""
    libraries: ClassVar[tuple[str, ...]]
    """Distributions that decide its predictions; model cards record their versions."""

    @staticmethod
    def fit(training: TrainingSet, options: Any, seed: int, threads: int) -> FittedModel:
        """Same training set, options and seed give the same model, bit for bit. Raises ModelFailed."""

    @staticmethod
    def load(folder: Path, threads: int) -> FittedModel:
        """What `save` wrote. Raises ModelFailed."""

    @staticmethod
    def open_file(path: Path, features: Sequence[str], label: str, options: Any, threads: int) -> FittedModel:
        """A model file made elsewhere. Raises ModelFailed where it does not fit its feature list."""
