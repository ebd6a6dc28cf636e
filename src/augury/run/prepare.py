"""What must be in place before the first task? Reference data and model files, kept as they are now."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from augury import plugins
from augury.errors import ModelFailed, Place, StorageFailed, WorkFailed, relative
from augury.ledger.records import ModelRecord
from augury.run.gather import model_file, sha256_of
from augury.run.locking import ANY_TIME
from augury.run.models import load_model, model_folder
from augury.run.work import Work
from augury.spec.pipeline import Model


def keep_references(work: Work) -> None:
    """Keep the reference data as it is now, so that a model's version of it can be read for as long as the model."""
    if not work.graph.reads_references:
        return
    for name, sha in work.facts.references.items():
        _keep(work.definitions.project.references[name], work.references / f"{name}-{sha}.csv")


def register_model_file(work: Work) -> None:
    """Register the model file that the pipeline brings, unless it is registered already, read as it is now.

    It is kept as a trained model is: with its card, and with rows of its own making that have to get the same
    predictions whenever it is loaded. Raises ModelFailed where it does not fit its feature list.
    """
    if _is_registered(work):
        return
    name = work.training_lock_name(work.pipeline.settings.start)
    with work.locks.acquire(name, work.run_id, wait=ANY_TIME):
        if not _is_registered(work):  # by another run, meanwhile
            _register(work)


def _is_registered(work: Work) -> bool:
    known = work.ledger.models(work.pipeline.name, work.pipeline.version)
    return any(model.fingerprint == work.facts.model_file for model in known)


def _register(work: Work) -> None:
    from augury.models import model_card

    settings = work.pipeline.settings.model
    assert settings is not None
    assert settings.path is not None
    given = work.pipeline.folder / settings.path
    folder = model_folder(work, f"file-{work.run_id}")
    try:
        _save(work, settings, given, work.models / folder)
    except WorkFailed as error:
        place = relative(given, work.definitions.project.root)
        raise error.at(Place(pipeline=work.pipeline.name, file=place)) from error
    record = ModelRecord(
        pipeline=work.pipeline.name,
        version=work.pipeline.version,
        number=0,
        tick=work.pipeline.settings.start,
        cutoff=work.pipeline.cutoffs.of(work.pipeline.settings.start),
        trained_at=work.clock(),
        run_id=work.run_id,
        type=settings.type,
        label=settings.label,
        passed=True,
        verdict="a model file, not evaluated here",
        fingerprint=work.facts.model_file,
        folder=str(folder),
        sha256=model_card.card_sha256(work.models / folder),
        seed=settings.train.seed,
        rows=0,
        dates=0,
        snapshot="",
        features=tuple(settings.features or ()),
        note=f"from {settings.path}",
    )
    model = load_model(work, record)
    work.fitted[work.ledger.add_model(record).number] = model


def _save(work: Work, settings: Model, given: Path, folder: Path) -> None:
    """Keep the model of a file as a folder. Raises ModelFailed, StorageFailed."""
    from augury.models import artifacts, golden

    kind = plugins.load("models", settings.type)
    options = kind.Options(**settings.options)
    fitted = kind.open_file(given, settings.features or (), settings.label, options, work.threads)
    facts = artifacts.Facts(
        kind=settings.type,
        libraries=kind.libraries,
        options=options.model_dump(mode="json"),
        seed=settings.train.seed,
        golden=golden.drawn_rows(fitted, settings.train.seed),
        note=f"from {settings.path}, SHA-256 {sha256_of(given)}",
    )
    if model_file(work.pipeline) != work.facts.model_file:
        raise ModelFailed(f"{settings.path} was changed while it was read", fix="Run the same command again.")
    artifacts.save(fitted, folder, facts)


def _keep(given: Path, kept: Path) -> None:
    """Copy a file under its final name, whole or not at all."""
    if kept.exists():
        return
    draft = kept.with_name(f".{kept.name}.{uuid.uuid4().hex[:8]}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(given, draft)
        os.replace(draft, kept)  # noqa: PTH105  the atomic one, by its name
    except OSError as error:
        raise StorageFailed(f"{given} cannot be kept as {kept}", why=str(error)) from error
