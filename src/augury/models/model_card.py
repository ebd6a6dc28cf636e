"""What does a model card say?"""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from augury.errors import ModelFailed
from augury.models.contract import Feature, Task
from augury.models.evaluation import Metric
from augury.models.signature import ClassLabel, read_json

CARD = "card.json"
RETRAIN = "Train the model again, or install the versions that its card records."


class ModelCard(BaseModel):
    """card.json."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format: Literal[1] = 1
    kind: str
    task: Task
    label: str
    classes: tuple[ClassLabel, ...]
    """In the order of their probabilities."""
    features: tuple[Feature, ...]
    """In the model's own order, with types and levels."""
    importances: tuple[tuple[str, float], ...]
    """Features, the most telling first."""
    options: dict[str, Any]
    seed: int
    tick: date | None
    cutoff: datetime | None
    rows: int
    dates: int
    snapshot: str
    metrics: dict[str, Metric]
    note: str
    libraries: dict[str, str]
    """Distribution to version."""
    python: str
    golden_rows: int
    files: dict[str, str]
    """File name to SHA-256."""

    @field_validator("files")
    @classmethod
    def _inside_the_folder(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", name):
                raise ValueError(f"{name!r} is not a file of the model's folder")
        return files


def read_card(folder: Path) -> ModelCard:
    """The card of a saved model, unchecked against its files. Raises ModelFailed."""
    return read_json(ModelCard, folder / CARD)


def card_sha256(folder: Path) -> str:
    """Stands for the whole model, since the card holds the SHA-256 of the other files. Raises ModelFailed."""
    try:
        return sha256(folder / CARD)
    except OSError as error:
        raise ModelFailed("the model card cannot be read", why=str(error), fix=RETRAIN) from error


def sha256(path: Path) -> str:
    """Of a file's bytes, as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
