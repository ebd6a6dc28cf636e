"""A saved model scores only while it is the one that was saved (B12, H9)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from augury import plugins
from augury.errors import ModelFailed, StorageFailed
from augury.models.artifacts import Facts, golden_rows, load, save
from augury.models.contract import FittedModel, ModelKind
from augury.models.evaluation import Metric
from augury.models.model_card import CARD, card_sha256, read_card, sha256
from augury.testing.model_contract import example

KINDS = ("linear_reg", "logistic_reg", "boosted_tree_regressor", "boosted_tree_classifier")


def kind_named(name: str) -> type[ModelKind]:
    found: type[ModelKind] = plugins.load("models", name)
    return found


def trained(name: str) -> tuple[FittedModel, Facts]:
    kind = kind_named(name)
    training = example(kind.task or "regression", 200)
    options = kind.Options()
    fitted = kind.fit(training, options, 7, 1)
    facts = Facts(
        kind=name,
        libraries=kind.libraries,
        options=options.model_dump(mode="json"),
        seed=7,
        golden=golden_rows(training),
        tick=date(2024, 4, 1),
        cutoff=datetime(2024, 4, 1, tzinfo=UTC),
        rows=training.rows,
        dates=10,
        snapshot="5eed",
        metrics={"mean_absolute_error": Metric(2.0, 0.5, (1.5, 2.5))},
        note="2 of 4 folds",
    )
    return fitted, facts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved boosted tree."""
    save(*_with_folder("boosted_tree_regressor", tmp_path / "1"))
    return tmp_path / "1"


def _with_folder(name: str, folder: Path) -> tuple[FittedModel, Path, Facts]:
    fitted, facts = trained(name)
    return fitted, folder, facts


def opened(folder: Path) -> FittedModel:
    return load(folder, kind_named, 1)


@pytest.mark.parametrize("name", KINDS)
def test_what_was_saved_predicts_the_same_when_loaded(name: str, tmp_path: Path) -> None:
    fitted, facts = trained(name)
    save(fitted, tmp_path / "1", facts)
    batch = example(fitted.task, 200).features.combine_chunks().to_batches()[0]
    assert opened(tmp_path / "1").predict(batch).equals(fitted.predict(batch))


@pytest.mark.parametrize("name", KINDS)
def test_the_same_training_is_saved_as_the_same_bytes(name: str, tmp_path: Path) -> None:
    for number in ("1", "2"):
        save(*_with_folder(name, tmp_path / number))
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("1", "2"))
    assert first == second
    assert card_sha256(tmp_path / "1") == card_sha256(tmp_path / "2")


def test_the_card_says_what_the_model_is(folder: Path) -> None:
    card = read_card(folder)
    assert (card.kind, card.task, card.label, card.seed) == (
        "boosted_tree_regressor",
        "regression",
        "spend",
        7,
    )
    assert (card.tick, card.rows, card.dates) == (date(2024, 4, 1), 200, 10)
    assert [feature.name for feature in card.features][:2] == ["amount", "visits"]
    assert card.features[4].levels == ("es", "fr", "it", "pt")
    assert card.metrics["mean_absolute_error"] == Metric(2.0, 0.5, (1.5, 2.5))
    assert card.options["max_iterations"] == 20
    assert {"augury", "numpy", "pyarrow"} < set(card.libraries)
    assert card.golden_rows == 20
    assert set(card.files) == {"model.ubj", "signature.json", "golden.arrow"}
    assert card.importances[0][1] > 0


def test_nothing_in_the_folder_is_pickled(folder: Path) -> None:
    assert all(not path.read_bytes().startswith(b"\x80") for path in folder.iterdir())


@pytest.mark.parametrize("file", ["model.ubj", "signature.json", "golden.arrow"])
def test_a_tampered_file_is_named_with_what_was_expected(folder: Path, file: str) -> None:
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    expected = read_card(folder).files[file][:12]
    with pytest.raises(ModelFailed, match=rf"{file}: expected SHA-256 {expected}…, got {sha256(folder / file)[:12]}…"):
        opened(folder)


def test_truncated_and_missing_files_are_told_at_once(folder: Path) -> None:
    (folder / "model.ubj").write_bytes(b"")
    (folder / "golden.arrow").unlink()
    with pytest.raises(ModelFailed, match=r"model\.ubj: expected .*golden\.arrow: No such file"):
        opened(folder)


def rehashed(folder: Path, file: str) -> None:
    """What somebody would do who edits a model and mends its card."""
    card = json.loads((folder / CARD).read_text())
    card["files"][file] = sha256(folder / file)
    (folder / CARD).write_text(json.dumps(card))


def with_fewer_trees(model: Path) -> None:
    booster = pytest.importorskip("xgboost").Booster(model_file=model)[:19]
    model.write_bytes(booster.save_raw("ubj"))


def test_golden_rows_catch_another_model_behind_a_mended_card(folder: Path) -> None:
    with_fewer_trees(folder / "model.ubj")
    rehashed(folder, "model.ubj")
    with pytest.raises(ModelFailed, match=r"does not predict what it did: \d+ of 20 golden rows differ"):
        opened(folder)


def test_golden_rows_catch_the_last_bit_of_a_coefficient(tmp_path: Path) -> None:
    save(*_with_folder("linear_reg", tmp_path / "1"))
    path = tmp_path / "1" / "linear.json"
    model = json.loads(path.read_text())
    model["intercepts"][0] *= 1 + 2**-50
    path.write_text(json.dumps(model))
    rehashed(tmp_path / "1", "linear.json")
    with pytest.raises(ModelFailed, match="golden rows differ"):
        opened(tmp_path / "1")


def test_other_versions_are_named_where_predictions_differ(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    card["libraries"]["numpy"] = "1.26.0"
    (folder / CARD).write_text(json.dumps(card))
    opened(folder)  # another version alone is no reason to refuse: the golden rows decide
    with_fewer_trees(folder / "model.ubj")
    rehashed(folder, "model.ubj")
    with pytest.raises(ModelFailed, match=r"installed now: numpy .*, then 1\.26\.0"):
        opened(folder)


def test_a_signature_that_differs_from_the_card_is_refused(folder: Path) -> None:
    path = folder / "signature.json"
    path.write_text(path.read_text().replace('"es"', '"xx"'))
    rehashed(folder, "signature.json")
    with pytest.raises(ModelFailed, match="different: features"):
        opened(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: "{", "card.json does not say what it should"),
        (lambda card: json.dumps({**card, "format": 2}), "format"),
        (lambda card: json.dumps({**card, "surprise": 1}), "surprise"),
        (lambda card: json.dumps({k: card[k] for k in card if k != "files"}), "files: Field required"),
        (lambda card: json.dumps({**card, "files": {"../other": "0"}}), "is not a file of the model"),
    ],
)  # fmt: skip
def test_a_card_that_cannot_be_read_is_refused(folder: Path, change: Any, message: str) -> None:
    path = folder / CARD
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(ModelFailed, match=message):
        opened(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFailed, match=r"card\.json cannot be read"):
        opened(tmp_path / "none")
    with pytest.raises(ModelFailed, match="the model card cannot be read"):
        card_sha256(tmp_path / "none")


def test_saving_again_replaces_the_folder_and_leaves_nothing_behind(folder: Path) -> None:
    save(*_with_folder("linear_reg", folder))
    assert read_card(folder).kind == "linear_reg"
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


def test_a_save_that_fails_leaves_the_old_model(folder: Path, tmp_path: Path) -> None:
    class Broken:
        def __init__(self, fitted: FittedModel) -> None:
            self.__dict__.update(vars(fitted))

        def save(self, folder: Path) -> tuple[str, ...]:
            raise OSError(28, "No space left on device")

    fitted, facts = trained("boosted_tree_regressor")
    with pytest.raises(StorageFailed, match="No space left on device"):
        save(Broken(fitted), folder, facts)  # type: ignore[arg-type]
    opened(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_a_model_without_golden_rows_is_held_against_its_files_alone(tmp_path: Path) -> None:
    fitted, facts = trained("linear_reg")
    card = save(fitted, tmp_path / "1", Facts(facts.kind, facts.libraries, {}, 0, None))
    assert card.golden_rows == 0
    opened(tmp_path / "1")
