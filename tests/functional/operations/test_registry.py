"""People decide which model scores and which version consumers see; the past stays, and the audit knows who."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from augury.errors import ExitCode, Held, ModelFailed, UsageError
from augury.ledger.records import Decision, ModelRecord
from tests.projects import REVENUE, SPENT, Shop, day, days, orders_of, outcomes, reasons_of

MODEL = """\
horizon: 2d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {every: 1d, window: 20d, folds: 2, schedule: "0 0 20 * *"}
"""
NEVER = MODEL + '  gate: {mean_absolute_error: "<= -1"}\n'


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with two models that passed (ticks 12 and 14 January) and one that did not (16 January)."""
    shop = Shop.at(tmp_path_factory.mktemp("trained"))
    shop.now = datetime(2026, 1, 18, 12, tzinfo=UTC)
    shop.orders(*orders_of(("ann", "ben", "cleo", "dan"), days("2026-01-01", "2026-01-18"), 5))
    shop.pipeline("ltv", MODEL, prepare=SPENT, label=REVENUE)
    shop.train("ltv", "2026-01-12")
    shop.train("ltv", "2026-01-14")
    shop.pipeline("ltv", NEVER)
    shop.train("ltv", "2026-01-16")
    shop.pipeline("ltv", MODEL)
    return shop


@pytest.fixture
def shop(trained: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(trained.root, tmp_path / "shop")
    return replace(trained, root=tmp_path / "shop", events=[])


def champion(shop: Shop) -> tuple[int, str]:
    with shop.open() as project:
        (found,) = [row for row in project.models("ltv") if row.champion]
    return found.record.number, found.rule


def decisions(shop: Shop) -> list[Decision]:
    with shop.open() as project:
        return project._reading.ledger.decisions("ltv")


def promote(shop: Shop, number: int, since: str | None = None) -> Decision:
    with shop.open() as project:
        return project.promote("ltv", number, from_date=day(since) if since else None)


def rollback(shop: Shop, number: int | None = None, since: str | None = None) -> Decision:
    with shop.open() as project:
        return project.rollback("ltv", number=number, from_date=day(since) if since else None)


def test_models_are_listed_with_their_champion_and_the_rule_that_chose_it(shop: Shop) -> None:
    with shop.open() as project:
        rows = project.models("ltv")
    assert [(row.record.number, row.record.passed, row.champion) for row in rows] == [
        (1, True, False),
        (2, True, True),
        (3, False, False),
    ]
    assert [row.rule for row in rows] == ["", "tick 2026-01-14", ""]


def test_a_promotion_counts_from_the_next_run_date_and_says_who_decided(shop: Shop) -> None:
    shop.run("ltv", "2026-01-17")
    made = promote(shop, 1)
    assert (made.action, made.subject, made.effective_from) == ("promote", "1", day("2026-01-18"))
    assert made.at == shop.now
    assert made.who
    assert made.host
    assert made.detail == "instead of model 2 (tick 2026-01-14)"
    assert decisions(shop) == [made]
    assert champion(shop) == (1, "promoted from 2026-01-18")

    shop.run("ltv", "2026-01-18")
    rows = [shop.published("ltv", when, everything=True)[0] for when in ("2026-01-17", "2026-01-18")]
    assert [(row["model_version"], row["model_rule"]) for row in rows] == [
        (2, "tick 2026-01-14"),
        (1, "promoted from 2026-01-18"),
    ]


def test_where_nothing_is_published_a_promotion_counts_from_today_on(shop: Shop) -> None:
    assert promote(shop, 1).effective_from == day("2026-01-18")


def test_a_promotion_from_a_past_date_rewrites_nothing_until_that_date_is_run_again(shop: Shop) -> None:
    shop.run("ltv", "2026-01-15", "2026-01-18")
    made = promote(shop, 1, "2026-01-16")
    assert made.effective_from == day("2026-01-16")
    assert "2 published dates keep their scores until they are run again" in made.detail
    plan = shop.plan("ltv", "2026-01-15", "2026-01-18")
    assert set(reasons_of(plan, "publish")) == {"2026-01-16", "2026-01-17"}
    assert "promoted from 2026-01-16" in reasons_of(plan, "publish")["2026-01-16"]


def test_a_promotion_that_looks_ahead_is_recorded_as_such(shop: Shop) -> None:
    assert "knows their future" in promote(shop, 2, "2026-01-13").detail
    assert "knows their future" not in promote(shop, 2, "2026-01-14").detail


def test_k7_a_model_that_did_not_pass_its_gate_cannot_be_set_current(shop: Shop) -> None:
    for decide in (promote, rollback):
        with pytest.raises(Held, match="model 3 did not pass its gate") as caught:
            decide(shop, 3)
        assert caught.value.exit_code is ExitCode.HELD
        assert "gate <= -1 not met" in str(caught.value.why)
    assert decisions(shop) == []


def test_a_model_that_does_not_exist_is_answered_with_those_that_do(shop: Shop) -> None:
    with pytest.raises(UsageError, match="no model 9") as caught:
        promote(shop, 9)
    assert caught.value.why == "it has 1, 2, 3"


@pytest.mark.parametrize("off", ["2025-12-31", "2026-02-01"])
def test_a_date_that_is_no_run_date_is_answered_with_the_nearest(shop: Shop, off: str) -> None:
    shop.pipeline("ltv", MODEL + "end: 2026-02-01\n")
    with pytest.raises(UsageError, match=f"{off} is not a run date") as caught:
        promote(shop, 1, off)
    assert caught.value.fix in ("The nearest run date is 2026-01-01.", "The nearest run date is 2026-01-31.")
    assert decisions(shop) == []


def test_a_pipeline_that_has_ended_asks_for_the_date(shop: Shop) -> None:
    shop.pipeline("ltv", MODEL + "end: 2026-01-18\n")
    with pytest.raises(UsageError, match="no run date after 2026-01-17") as caught:
        promote(shop, 1)
    assert caught.value.fix is not None
    assert "--from DATE" in caught.value.fix


def folder_of(shop: Shop, number: int) -> Path:
    found: list[ModelRecord] = [model for model in shop.models("ltv") if model.number == number]
    return shop.root / ".augury" / "dev" / "_models" / found[0].folder


@pytest.mark.parametrize("harm", ["card", "file", "gone"])
def test_a_model_whose_files_were_changed_or_lost_is_not_promoted(shop: Shop, harm: str) -> None:
    folder = folder_of(shop, 1)
    card = json.loads((folder / "card.json").read_text("utf-8"))
    if harm == "card":
        (folder / "card.json").write_text(json.dumps({**card, "seed": 99}), "utf-8")
    elif harm == "file":
        file = folder / next(iter(card["files"]))
        file.write_bytes(file.read_bytes() + b" ")
    else:
        folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(ModelFailed) as caught:
        promote(shop, 1)
    assert caught.value.exit_code is ExitCode.FAILED
    assert decisions(shop) == []


def test_a_rollback_goes_to_the_champion_before_and_rewrites_no_past_date(shop: Shop) -> None:
    shop.run("ltv", "2026-01-16", "2026-01-18")
    made = rollback(shop)
    assert (made.action, made.subject, made.effective_from) == ("rollback", "1", day("2026-01-18"))
    assert champion(shop) == (1, "rolled back from 2026-01-18")
    assert shop.plan("ltv", "2026-01-16", "2026-01-18").is_empty


def test_a_rollback_of_a_promotion_returns_to_the_model_that_the_schedule_chose(shop: Shop) -> None:
    promote(shop, 1)
    assert rollback(shop).subject == "2"
    # Once more: model 1 was left by a person, so there is nobody before model 2.
    with pytest.raises(UsageError, match="no champion of ltv before model 2"):
        rollback(shop)


def test_a_rollback_to_a_named_model_is_kept_until_a_later_tick_decides(shop: Shop) -> None:
    rollback(shop, 1, "2026-01-17")
    assert champion(shop) == (1, "rolled back from 2026-01-17")
    shop.now += timedelta(days=3)
    shop.orders(*orders_of(("ann", "ben", "cleo"), days("2026-01-01", "2026-01-21"), 6))
    assert outcomes(shop.run("ltv", "2026-01-19", "2026-01-21")) == {
        "2026-01-19": "succeeded",
        "2026-01-20": "succeeded",
    }
    rules = [shop.published("ltv", when, everything=True)[0]["model_rule"] for when in ("2026-01-19", "2026-01-20")]
    assert rules == ["rolled back from 2026-01-17", "tick 2026-01-20"]


def test_a_tick_that_is_not_trained_yet_does_not_hide_the_champion_of_today(shop: Shop) -> None:
    shop.now += timedelta(days=5)
    assert champion(shop) == (2, "tick 2026-01-14")


@pytest.fixture
def versions(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path).orders(("ann", "2026-01-01", 10), ("ben", "2026-01-02", 20))
    made.now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    made.pipeline("ltv", prepare=SPENT)
    return made.pipeline("ltv", version="v2", prepare=SPENT.replace("sum(amount)", "sum(amount) * 2"))


def test_h2_one_command_moves_what_consumers_read_and_the_same_one_moves_it_back(versions: Shop) -> None:
    versions.run("ltv", "2026-01-05")
    versions.run("ltv", "2026-01-05", version="v2")
    asked = "select customer_id, version, spent from ltv_predictions order by customer_id"
    first = [{"customer_id": "ann", "version": "v1", "spent": 10}, {"customer_id": "ben", "version": "v1", "spent": 20}]
    assert versions.query(asked) == first
    for version, expected in (("v2", [("v2", 20), ("v2", 40)]), ("v1", [("v1", 10), ("v1", 20)])):
        with versions.open() as project:
            made = project.set_version("ltv", version)
        assert (made.action, made.subject) == ("set-version", version)
        assert [(row["version"], row["spent"]) for row in versions.query(asked)] == expected
        assert versions.query("select count(*) as n from ltv_predictions_staging")[0]["n"] == 2
    assert [each.detail for each in decisions(versions)] == [
        "ltv_predictions: v1 -> v2, 2026-01-05 to 2026-01-05",
        "ltv_predictions: v2 -> v1, 2026-01-05 to 2026-01-05",
    ]


def test_h3_a_version_that_has_published_nothing_is_refused_with_what_to_do(versions: Shop) -> None:
    versions.run("ltv", "2026-01-05")
    with versions.open() as project, pytest.raises(UsageError, match="v2 has published nothing yet") as caught:
        project.set_version("ltv", "v2")
    assert caught.value.fix == "Build it first: augury backfill ltv --version v2 --start DATE --end DATE"
    assert versions.query("select distinct version from ltv_predictions") == [{"version": "v1"}]
    assert decisions(versions) == []


def test_an_unknown_version_is_answered_with_those_that_there_are(versions: Shop) -> None:
    with versions.open() as project, pytest.raises(UsageError, match="no version 'v3'") as caught:
        project.set_version("ltv", "v3")
    assert caught.value.why == "it has v1, v2"
