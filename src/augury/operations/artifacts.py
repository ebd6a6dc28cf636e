"""Is a registered model still the one that was registered? Asked before it is promoted, and by the doctor."""

from __future__ import annotations

from pathlib import Path

from augury import plugins
from augury.errors import ModelFailed, Place, PluginError
from augury.ledger.records import ModelRecord
from augury.operations.opened import Opened
from augury.spec.files import PipelineSpec


def check_files(opened: Opened, record: ModelRecord) -> None:
    """Compare the model's files with what was registered, without loading it. Raises ModelFailed."""
    from augury.models import model_card

    place = opened.models / record.folder
    if not _is_folder(record):
        _same(place, record.sha256, record)
        return
    _same(place / model_card.CARD, record.sha256, record)
    for name, expected in model_card.read_card(place).files.items():
        _same(place / name, expected, record)


def prove(opened: Opened, pipeline: PipelineSpec, record: ModelRecord) -> None:
    """Load a model and let it score its golden rows, as a run does before it scores anything. Raises ModelFailed."""
    from augury.models import artifacts

    try:
        check_files(opened, record)
        place = opened.models / record.folder
        if _is_folder(record):
            artifacts.load(place, lambda name: plugins.load("models", name), 1)
            return
        kind = plugins.load("models", record.type)
        settings = pipeline.settings.model
        options = kind.Options(**(settings.options if settings and settings.type == record.type else {}))
        kind.open_file(place, record.features, record.label, options, 1)
    except ModelFailed as error:
        raise error.at(Place(pipeline=record.pipeline)) from error


def _is_folder(record: ModelRecord) -> bool:
    """Models that augury trained are folders with a card; those that a pipeline brought are single files."""
    try:
        trains: bool = plugins.load("models", record.type).trains
    except PluginError as error:
        raise ModelFailed(
            f"model {record.number} is a {record.type}, which is not installed", why=error.what, fix=error.fix
        ) from error
    return trains


def _same(path: Path, expected: str, record: ModelRecord) -> None:
    from augury.models.model_card import sha256

    try:
        got = sha256(path)
    except OSError as error:
        raise _changed(record, f"{path}: {error.strerror or error}") from error
    if got != expected:
        raise _changed(record, f"{path}: expected SHA-256 {expected[:12]}…, got {got[:12]}…")


def _changed(record: ModelRecord, why: str) -> ModelFailed:
    again = f"Train it again: augury train {record.pipeline} --date {record.tick} --version {record.version}"
    return ModelFailed(
        f"model {record.number} is not the one that was registered",
        why=why,
        fix="Restore its files from a copy. " + (again if record.dates else ""),
    )
