"""What does a saved model say about its inputs and outputs?

A small JSON beside the model file: features with types and levels, task, label and classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from augury.errors import ModelFailed
from augury.models.contract import Feature, Task

FILE = "signature.json"

ClassLabel = Annotated[StrictBool | StrictInt | StrictStr, Field(union_mode="left_to_right")]


class Signature(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Task
    label: str
    classes: tuple[ClassLabel, ...] = ()
    """In the order of their probabilities."""
    features: tuple[Feature, ...]
    """In the model's own order."""

    def save(self, folder: Path) -> str:
        """Write it into `folder`; the name of its file."""
        (folder / FILE).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return FILE

    @classmethod
    def load(cls, folder: Path) -> Signature:
        """Raises ModelFailed where the file is missing or does not say what it should."""
        return read_json(cls, folder / FILE)


_M = TypeVar("_M", bound=BaseModel)


def read_json(model: type[_M], path: Path) -> _M:
    """A JSON file as a typed value. Raises ModelFailed naming the file and each difference."""
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelFailed(f"the model's {path.name} cannot be read", why=str(error)) from error
    except ValidationError as error:
        problems = "; ".join(
            ": ".join(part for part in (".".join(map(str, item["loc"])), item["msg"]) if part)
            for item in error.errors()[:5]
        )
        raise ModelFailed(
            f"the model's {path.name} does not say what it should", why=problems, fix="Train the model again."
        ) from error
