"""Which local file does MODEL_PATH mean, and may it be read?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from augury.bigquery_ml.contract import Training
from augury.errors import ModelFailed, UsageError

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class ModelFile:
    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def read(training: Training, endings: Sequence[str], megabytes: int) -> ModelFile:
    """The model file that the statement names. Raises UsageError and ModelFailed."""
    if training.rows.num_columns:
        raise UsageError(
            f"a model of type {training.model_type} is imported from a file, not trained", fix="Leave out AS SELECT."
        )
    path = _one(_local(training), endings)
    if path.suffix.lower() not in endings:
        raise UsageError(f"{path.name} is no model file of this type", fix=f"It ends in {' or '.join(endings)}.")
    try:
        if path.stat().st_size > megabytes * MEGABYTE:
            raise ModelFailed(
                f"{path.name} has {path.stat().st_size / MEGABYTE:,.0f} MB",
                why=f"BigQuery ML imports models of at most {megabytes} MB",
            )
        return ModelFile(path.name, path.read_bytes())
    except OSError as error:
        raise ModelFailed(f"the model file {path.name} cannot be read", why=error.strerror or str(error)) from error


def _local(training: Training) -> Path:
    named = str(training.options.get("model_path") or "")
    if not named:
        raise UsageError(f"a model of type {training.model_type} needs MODEL_PATH", fix="Name the model file.")
    local = training.files.get("model_path")
    if local is not None:
        return local
    if named.startswith("gs://"):
        raise UsageError(
            f"{named} is in Cloud Storage, which is not read here",
            why="models are imported from local files on DuckDB",
            fix=f"Copy it into the project (gcloud storage cp '{named}' models/) and name the copy in MODEL_PATH.",
        )
    raise UsageError(f"there is no local file for MODEL_PATH = {named!r}", fix="Give a path inside the project.")


def _one(path: Path, endings: Sequence[str]) -> Path:
    """The file itself, or the only model file of a folder: BigQuery's examples end in `/*`."""
    folder = path.parent if path.name == "*" else path
    if not folder.is_dir():
        return path
    found = sorted(file for file in folder.iterdir() if file.suffix.lower() in endings)
    if len(found) != 1:
        names = ", ".join(file.name for file in found[:5]) or "none"
        raise UsageError(
            f"the folder {folder.name} must hold one model file ({', '.join(endings)})",
            why=f"found: {names}",
            fix="Name the file in MODEL_PATH.",
        )
    return found[0]


def verified(path: Path, sha256: str) -> bytes:
    """What was saved. Raises ModelFailed where it is another file now."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFailed(f"the model's {path.name} cannot be read", why=error.strerror or str(error)) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelFailed(
            f"the model's {path.name} is not the file that was imported",
            why="its SHA-256 is another",
            fix="Import the model again.",
        )
    return content
