"""How is a model kept, and how is it known to be the same one when it is loaded?

A model is a folder: the kind's own files, golden rows with the predictions they had, and a card that holds
the SHA-256 of each file. Loading checks the files against the card, and then that the golden rows still get
the same predictions, bit for bit, before anything is scored. Nothing in the folder is code.
"""

from __future__ import annotations

import os
import platform
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.errors import ModelFailed, StorageFailed
from augury.models.contract import FittedModel, ModelKind, TrainingSet
from augury.models.evaluation import Metric
from augury.models.model_card import CARD, RETRAIN, ModelCard, read_card, sha256

if TYPE_CHECKING:
    import pyarrow as pa

GOLDEN = "golden.arrow"
GOLDEN_ROWS = 20


@dataclass(frozen=True)
class Facts:
    """What whoever trained a model knows about it."""

    kind: str
    """Name of the model kind, as in pipeline.yml."""
    libraries: tuple[str, ...]
    """The kind's."""
    options: Mapping[str, Any]
    """As JSON has them: `options.model_dump(mode="json")`."""
    seed: int
    golden: pa.Table | None
    """Rows with the feature columns: see `golden_rows`, and `golden.drawn_rows` of a model that was not trained here.
    None where no rows are at hand."""
    tick: date | None = None
    """The date as of which it was trained."""
    cutoff: datetime | None = None
    """The end of the knowledge that it was trained with, with its zone."""
    rows: int = 0
    dates: int = 0
    """Training dates."""
    snapshot: str = ""
    """Fingerprint of the training rows."""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    note: str = ""


def golden_rows(training: TrainingSet, count: int = GOLDEN_ROWS) -> pa.Table:
    """Rows spread evenly over a training set, for `Facts.golden`."""
    import numpy as np

    at = np.unique(np.linspace(0, training.rows - 1, min(count, training.rows)).astype(int))
    return training.features.take(at).combine_chunks()


def save(fitted: FittedModel, folder: Path, facts: Facts) -> ModelCard:
    """Write a model as `folder`, replacing one of that name; the folder appears complete or not at all.

    Raises StorageFailed on a full disk or a read-only place.
    """
    draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:12]}")
    try:
        draft.mkdir(parents=True)
        names = [*fitted.save(draft), *_save_golden(fitted, draft, facts.golden)]
        card = _card(fitted, facts, {name: sha256(draft / name) for name in names})
        (draft / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
        for name in (*names, CARD):
            _sync(draft / name)
        _sync(draft)
        _put(draft, folder)
    except OSError as error:
        raise StorageFailed(f"the model cannot be written to {folder}", why=str(error)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return card


def load(folder: Path, kind_named: Callable[[str], type[ModelKind]], threads: int) -> FittedModel:
    """A saved model that still predicts what it did; `kind_named` finds a model kind by its name.

    Raises ModelFailed where a file is missing or changed, or a golden row gets another prediction.
    """
    card = read_card(folder)
    _check_files(folder, card)
    fitted = kind_named(card.kind).load(folder, threads)
    differing = [
        name
        for name, got, expected in (
            ("features", fitted.features, card.features),
            ("task", fitted.task, card.task),
            ("label", fitted.label_name, card.label),
            ("classes", fitted.classes, card.classes),
        )
        if got != expected
    ]
    if differing:
        raise ModelFailed(
            f"the model in {folder.name} is not the one that its card describes",
            why=f"different: {', '.join(differing)}",
            fix=RETRAIN,
        )
    _check_golden(fitted, folder, card)
    return fitted


def _card(fitted: FittedModel, facts: Facts, files: dict[str, str]) -> ModelCard:
    return ModelCard(
        kind=facts.kind,
        task=fitted.task,
        label=fitted.label_name,
        classes=fitted.classes,
        features=fitted.features,
        importances=fitted.importances(),
        options=dict(facts.options),
        seed=facts.seed,
        tick=facts.tick,
        cutoff=facts.cutoff,
        rows=facts.rows,
        dates=facts.dates,
        snapshot=facts.snapshot,
        metrics=dict(facts.metrics),
        note=facts.note,
        libraries=_versions(facts.libraries),
        python=platform.python_version(),
        golden_rows=facts.golden.num_rows if facts.golden is not None else 0,
        files=files,
    )


def _versions(libraries: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in ("augury", "pyarrow", *libraries):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # a kind may name two distributions of one library
    return found


def _save_golden(fitted: FittedModel, draft: Path, golden: pa.Table | None) -> tuple[str, ...]:
    """One Arrow file with two structs per row: the inputs, typed as they were, and the predictions."""
    import pyarrow as pa

    from augury.models import predictions

    if golden is None or not golden.num_rows:
        return ()
    both = pa.table(
        {
            "inputs": golden.combine_chunks().to_struct_array().combine_chunks(),
            "predictions": predictions.of(fitted, golden).to_struct_array().combine_chunks(),
        }
    )
    with pa.OSFile(str(draft / GOLDEN), "wb") as sink, pa.ipc.new_file(sink, both.schema) as writer:
        writer.write_table(both)
    return (GOLDEN,)


def _check_files(folder: Path, card: ModelCard) -> None:
    problems = []
    for name, expected in card.files.items():
        try:
            got = sha256(folder / name)
        except OSError as error:
            problems.append(f"{name}: {error.strerror or error}")
            continue
        if got != expected:
            problems.append(f"{name}: expected SHA-256 {expected[:12]}…, got {got[:12]}…")
    if problems:
        raise ModelFailed(
            f"the model in {folder.name} was changed after it was saved", why="; ".join(problems), fix=RETRAIN
        )


def _check_golden(fitted: FittedModel, folder: Path, card: ModelCard) -> None:
    import pyarrow as pa

    from augury.models import predictions

    if GOLDEN not in card.files:
        return
    with pa.OSFile(str(folder / GOLDEN)) as source:
        both = pa.ipc.open_file(source).read_all()
    inputs = pa.Table.from_struct_array(both["inputs"].combine_chunks())
    expected = pa.Table.from_struct_array(both["predictions"].combine_chunks()).to_pylist()
    got = predictions.of(fitted, inputs).to_pylist()
    # As text every bit of a float shows, and NaN equals itself.
    differing = [at for at, pair in enumerate(zip(got, expected, strict=True)) if repr(pair[0]) != repr(pair[1])]
    if differing:
        first = differing[0]
        raise ModelFailed(
            f"the model in {folder.name} does not predict what it did: "
            f"{len(differing)} of {len(expected)} golden rows differ",
            why=f"row {first}: expected {expected[first]}, got {got[first]}{_other_versions(card)}",
            fix=RETRAIN,
        )


def _other_versions(card: ModelCard) -> str:
    here = _versions(tuple(card.libraries))
    other = [
        f"{name} {here.get(name, 'missing')}, then {was}"
        for name, was in card.libraries.items()
        if here.get(name) != was
    ]
    return f"; installed now: {'; '.join(other)}" if other else ""


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put(draft: Path, folder: Path) -> None:
    """Rename the draft into place. A folder cannot be replaced in one step, so an old one moves aside
    first.
    """
    old = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:12]}.old")
    if folder.exists():
        folder.rename(old)
    draft.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
