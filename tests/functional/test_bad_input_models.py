"""Is a model that was changed, lost or brought along broken ever used? Never; and the message says what to do."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli_runner import called, ended, refused, rows, started, worked
from tests.projects import Shop
from tests.tiny import FEATURES, NAMESPACE, SPEND

RUN = ("run", "spend", "--date", "2024-01-30")
MODEL = f"{SPEND}/model.txt"


def artifact(shop: Shop) -> Path:
    return next((shop.root / NAMESPACE / "_models/spend_v1").iterdir())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("file", ["linear.json", "golden.arrow", "card.json"])
@pytest.mark.parametrize("harm", [flip, Path.unlink, lambda path: path.write_bytes(b"")], ids=["flip", "gone", "empty"])
def test_a_tampered_model_scores_nothing(trained: Shop, file: str, harm: Callable[[Path], object]) -> None:
    harm(artifact(trained) / file)
    refused(called(*RUN, folder=trained.root), 1, "spend / 2024-01-30 / predict: ", "model", "Nothing was published.")
    assert rows("select max(run_date) as d from spend_predictions", trained.root) == [{"d": "2024-01-29"}]
    assert "model 1 is not the one that was registered" in called("doctor", folder=trained.root).out
    worked(called("train", "spend", "--date", "2024-01-29", folder=trained.root))
    worked(called(*RUN, folder=trained.root))
    assert rows(
        "select distinct model_version as m from spend_predictions where run_date = '2024-01-30'", trained.root
    ) == [{"m": 2}]


def test_a_model_swapped_for_another_good_one_is_noticed(trained: Shop) -> None:
    """Each file fits its card; the card is not the one that the ledger registered."""
    trained.edit(f"{SPEND}/pipeline.yml", "seed: 7", "seed: 8")
    trained.edit(f"{SPEND}/label.sql", "sum(amount)", "2 * sum(amount)")
    worked(called("train", "spend", "--date", "2024-01-22", folder=trained.root))
    first, second = sorted((trained.root / NAMESPACE / "_models/spend_v1").iterdir(), key=lambda path: path.name[11:])
    shutil.rmtree(second)
    shutil.copytree(first, second)
    refused(
        called("run", "spend", "--date", "2024-01-28", folder=trained.root),
        1,
        "model 2 is not the one that was registered",
    )


@pytest.fixture(scope="module")
def booster() -> str:
    """A LightGBM model of two features, as text."""
    import lightgbm
    import numpy

    x = numpy.array([[i % 7, i % 11] for i in range(60)], dtype=float)
    fitted = lightgbm.train(
        {"objective": "regression", "num_leaves": 4, "min_data_in_leaf": 2, "verbosity": -1, "num_threads": 1},
        lightgbm.Dataset(x, label=x.sum(axis=1)),
        num_boost_round=3,
    )
    return str(fitted.model_to_string())


@pytest.fixture
def brought(visits: Shop, booster: str) -> Shop:
    """A pipeline that scores with a model file of its own."""
    visits.pipeline(
        "spend",
        "end: 2024-02-09\nmodel: {type: lightgbm, path: model.txt, label: spent_next, features: [visits, spent]}\n",
        start="2024-01-05",
        prepare=FEATURES,
    )
    (visits.root / MODEL).write_text(booster, "utf-8")
    return visits


def test_a_model_file_that_is_whole_scores(brought: Shop) -> None:
    worked(called(*RUN, folder=brought.root))
    assert rows("select count(predicted_spent_next) as n from spend_predictions", brought.root) == [{"n": 12}]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda text: text[: len(text) // 3], "is cut off or was edited"),
        (lambda text: "", "is not a LightGBM model"),
        (lambda text: "a letter to a friend\n", "is not a LightGBM model"),
        (lambda text: "\x80\x04\x95 pickle", "is not a LightGBM model"),
    ],
    ids=["cut", "empty", "text", "pickle"],
)
def test_a_broken_model_file_is_named_and_never_used(brought: Shop, harm: Callable[[str], str], said: str) -> None:
    path = brought.root / MODEL
    path.write_text(harm(path.read_text("utf-8")), "utf-8")
    refused(called(*RUN, folder=brought.root), 1, f"model.txt {said}", MODEL)
    assert not (brought.root / NAMESPACE / "spend_v1_predictions").exists()


def test_a_feature_list_of_another_length_than_the_model_is_refused(brought: Shop) -> None:
    brought.edit(f"{SPEND}/pipeline.yml", "[visits, spent]", "[visits]")
    refused(called(*RUN, folder=brought.root), 1, "feature", MODEL)
    assert not (brought.root / NAMESPACE / "spend_v1_predictions").exists()


def scored_by(shop: Shop) -> dict[str, int]:
    found = rows("select distinct run_date as d, model_version as m from spend_predictions order by 1", shop.root)
    return {row["d"]: row["m"] for row in found}


def predicted(shop: Shop, day: str) -> list[float]:
    sql = f"select predicted_spent_next as p from spend_predictions where run_date = '{day}' order by customer_id"
    return [row["p"] for row in rows(sql, shop.root)]


def test_a_model_file_is_kept_with_rows_of_its_own_making_that_prove_it(brought: Shop) -> None:
    worked(called(*RUN, folder=brought.root))
    card = json.loads((artifact(brought) / "card.json").read_text())
    assert sorted(card["files"]) == ["golden.arrow", "model.txt", "signature.json"]
    assert card["golden_rows"] == 200
    given = hashlib.sha256((brought.root / MODEL).read_bytes()).hexdigest()
    assert card["note"] == f"from model.txt, SHA-256 {given}"
    assert card["files"]["model.txt"] == given


@pytest.mark.parametrize("file", ["model.txt", "signature.json", "golden.arrow", "card.json"])
@pytest.mark.parametrize("harm", [flip, Path.unlink], ids=["flip", "gone"])
def test_a_kept_model_file_that_was_tampered_with_scores_nothing(
    brought: Shop, file: str, harm: Callable[[Path], object]
) -> None:
    worked(called("run", "spend", "--date", "2024-01-29", folder=brought.root))
    harm(artifact(brought) / file)
    refused(called(*RUN, folder=brought.root), 1, "spend / 2024-01-30 / predict: ", "Restore its files from a copy")
    assert scored_by(brought) == {"2024-01-29": 1}
    assert "model 1 is not the one that was registered" in called("doctor", folder=brought.root).out
    refused(called("promote", "spend", "1", folder=brought.root), 1, "model 1 is not the one that was registered")
    brought.edit(f"{SPEND}/pipeline.yml", "features:", "train: {seed: 1}, features:")
    worked(called(*RUN, folder=brought.root))
    assert scored_by(brought) == {"2024-01-29": 1, "2024-01-30": 2}


def test_the_same_file_read_in_another_way_is_another_version(brought: Shop) -> None:
    """Its columns have no names: in another order they are another model, and no library would object."""
    run = ("run", "spend", "--date", "2024-01-06")
    for _ in range(2):
        worked(called(*run, folder=brought.root))
        assert len(brought.models("spend")) == 1
    before = predicted(brought, "2024-01-06")
    brought.edit(f"{SPEND}/pipeline.yml", "[visits, spent]", "[spent, visits]")
    assert "model changed" in worked(called("plan", *run[1:], folder=brought.root)).out
    worked(called(*run, folder=brought.root))
    assert predicted(brought, "2024-01-06") != before
    assert [model.features for model in brought.models("spend")] == [("visits", "spent"), ("spent", "visits")]
    worked(called("rollback", "spend", "--from", "2024-01-06", folder=brought.root))
    worked(called(*run, folder=brought.root))
    assert predicted(brought, "2024-01-06") == before
    assert scored_by(brought) == {"2024-01-06": 1}


def test_processes_that_bring_a_file_at_once_register_it_once(brought: Shop) -> None:
    dates = [f"2024-01-{day}" for day in (27, 28, 29, 30)]
    running = [started("run", "spend", "--date", date, folder=brought.root) for date in dates]
    for process in running:
        worked(ended(process))
    assert len(brought.models("spend")) == 1
    assert scored_by(brought) == dict.fromkeys(dates, 1)
