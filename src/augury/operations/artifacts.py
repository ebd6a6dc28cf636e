"""Is a registered model still the one that was registered? Asked before it is promoted, and by the doctor."""

from __future__ import annotations

from pathlib import Path

from augury import plugins
from augury.errors import ModelFailed, Place, PluginError
from augury.ledger.records import ModelRecord
from augury.operations.opened import Opened
from augury.run.models import ANEW, AUDIT
from augury.spec.pipeline import IN_SQL


def check_files(opened: Opened, record: ModelRecord) -> None:
    """Compare the model's files with what was registered, without loading it. Raises ModelFailed."""
    from augury.models import model_card

    place = opened.models / record.folder
    if record.type == IN_SQL:
        _same(place / AUDIT, record.sha256, record)
        return
    _same(place / model_card.CARD, record.sha256, record)
    for name, expected in model_card.read_card(place).files.items():
        _same(place / name, expected, record)


def prove(opened: Opened, record: ModelRecord) -> None:
    """Load a model and let it score its golden rows, as a run does before it scores anything. Raises ModelFailed."""
    from augury.models import artifacts

    try:
        _refuse_unknown_kind(record)
        check_files(opened, record)
        if record.type == IN_SQL:
            return
        artifacts.load(opened.models / record.folder, lambda name: plugins.load("models", name), 1)
    except ModelFailed as error:
        raise error.at(Place(pipeline=record.pipeline)) from error


def _refuse_unknown_kind(record: ModelRecord) -> None:
    if record.type == IN_SQL:
        return
    try:
        plugins.load("models", record.type)
    except PluginError as error:
        raise ModelFailed(
            f"model {record.number} is a {record.type}, which is not installed", why=error.what, fix=error.fix
        ) from error


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
        fix=f"Restore its files from a copy. {again}" if record.dates else ANEW,
    )
