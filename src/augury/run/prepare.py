"""What must be in place before the first task? Reference data and model files, kept under their SHA-256."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from augury.errors import Place, StorageFailed, WorkFailed, relative
from augury.ledger.records import ModelRecord
from augury.run.models import model_folder, open_model_file
from augury.run.work import Work


def keep_references(work: Work) -> None:
    """Keep the reference data as it is now, so that a model's version of it can be read for as long as the model."""
    if not work.graph.reads_references:
        return
    for name, sha in work.facts.references.items():
        _keep(work.definitions.project.references[name], work.references / f"{name}-{sha}.csv")


def register_model_file(work: Work) -> None:
    """Register the model file that the pipeline brings, unless this very file is registered already.

    Raises ModelFailed where it does not fit its feature list.
    """
    settings = work.pipeline.settings.model
    assert settings is not None
    assert settings.path is not None
    sha = work.facts.model_file
    known = work.ledger.models(work.pipeline.name, work.pipeline.version)
    if any(model.sha256 == sha for model in known):
        return
    given = work.pipeline.folder / settings.path
    # The file keeps its ending: the libraries tell UBJ from JSON by it.
    kept = model_folder(work, f"file-{sha[:16]}{given.suffix}")
    _keep(given, work.models / kept)
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
        fingerprint=sha,
        folder=str(kept),
        sha256=sha,
        seed=settings.train.seed,
        rows=0,
        dates=0,
        snapshot="",
        features=tuple(settings.features or ()),
        note=f"from {settings.path}",
    )
    try:
        model = open_model_file(work, work.models / kept, record)
    except WorkFailed as error:
        # The copy has a name of ours, which nobody knows.
        error.what = error.what.replace(kept.name, settings.path)
        place = relative(given, work.definitions.project.root)
        raise error.at(Place(pipeline=work.pipeline.name, file=place)) from error
    work.fitted[work.ledger.add_model(record).number] = model


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
