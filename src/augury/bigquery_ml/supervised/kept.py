"""What is kept of a trained model, as data?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from augury.bigquery_ml.supervised import linear_inputs, tree_inputs
from augury.bigquery_ml.supervised.columns import Column
from augury.bigquery_ml.supervised.linear_model import Linear
from augury.bigquery_ml.supervised.options import Task
from augury.errors import ModelFailed

FILE = "model.json"

LinearInput = Annotated[linear_inputs.AnyInput, Field(discriminator="type")]
TreeInput = Annotated[tree_inputs.AnyTreeInput, Field(discriminator="type")]


class Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class KeptIteration(Data):
    loss: float
    eval_loss: float | None
    learning_rate: float | None
    duration_ms: int


class RocPoint(Data):
    threshold: float
    recall: float | None
    false_positive_rate: float | None
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


class Trial(Data):
    """One trained set of weights or trees; a model that was not tuned has one."""

    trial_id: int
    hyperparameters: dict[str, int | float | str] = {}
    status: Literal["SUCCEEDED", "INFEASIBLE"] = "SUCCEEDED"
    error: str | None = None
    objective: float | None = None
    """Of the rows that trials are compared by."""
    iterations: tuple[KeptIteration, ...] = ()
    figures: dict[str, float | None] = {}
    """Of the rows that were held out, or else of all."""
    confusion: tuple[tuple[int, ...], ...] = ()
    roc: tuple[RocPoint, ...] = ()
    attributions: tuple[tuple[float, ...], ...] = ()
    """Per output, the mean absolute attribution of each feature; empty without enable_global_explain."""
    linear: Linear | None = None
    """Weights, where the model is linear; trees have a file of their own."""


class Kept(Data):
    version: Literal[1] = 1
    model_type: str
    task: Task
    label: str
    label_type: str
    classes: tuple[bool | int | str, ...] = ()
    features: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    linear_inputs: tuple[LinearInput, ...] = ()
    tree_inputs: tuple[TreeInput, ...] = ()
    tuned: bool = False
    objective: str = ""
    best: int = 1
    """Trial that answers where none is named."""
    global_explain: bool = False
    library: str = ""
    """What trained it, with its version."""
    trials: tuple[Trial, ...]

    @property
    def outputs(self) -> int:
        """Raw values per row."""
        return len(self.classes) if len(self.classes) > 2 else 1

    @property
    def usable(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.status == "SUCCEEDED")

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> Kept:
    """Raises ModelFailed where the file is missing, broken or of another version."""
    path = folder / FILE
    try:
        return Kept.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFailed(f"the model file {FILE} cannot be read", why=str(error)) from error
    except ValidationError as error:
        raise ModelFailed(f"{FILE} is not a model that this version reads", why=_first(error)) from error
    except UnicodeDecodeError as error:
        raise ModelFailed(f"{FILE} is not UTF-8", why=str(error)) from error


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
