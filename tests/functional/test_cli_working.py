"""plan, run, backfill, retry, train and what people decide, typed as commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.functional.cli_shop import PREPARE, VALIDATION, Shop, make_shop

DAY = ("--date", "2024-03-10")
RANGE = ("--start", "2024-03-10", "--end", "2024-03-13")


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return make_shop(tmp_path / "shop", capsys)


def test_m_a_plan_writes_nothing_and_names_what_a_run_builds(shop: Shop) -> None:
    before = shop.files
    planned = shop.type("plan", "spend", *RANGE, "--output", "json")
    assert planned.code == 0
    assert shop.files == before
    wanted = planned.json["plan"]["request"]["dates"]
    ran = shop.type("backfill", "spend", *RANGE, "--output", "json")
    assert (
        [found["run_date"] for found in ran.json["run"]["dates"]]
        == wanted
        == ["2024-03-10", "2024-03-11", "2024-03-12"]
    )


def test_the_text_of_a_plan_ends_with_the_command_that_performs_it(shop: Shop) -> None:
    planned = shop.type("plan", "spend", *DAY)
    assert "Nothing was written. Run it: augury run spend --date 2024-03-10" in planned.err
    assert "prepare" in planned.out
    ranged = shop.type("plan", "spend", *RANGE)
    assert "augury backfill spend --start 2024-03-10 --end 2024-03-13" in ranged.err


def test_d_a_second_run_has_nothing_to_do(shop: Shop) -> None:
    first, second = shop.type("run", "spend", *DAY), shop.type("run", "spend", *DAY)
    assert (first.code, second.code) == (0, 0)
    assert "published  spend_predictions, run_date 2024-03-10: 20 customers" in first.out
    assert "spend@1 (linear_reg)" in first.out
    assert second.out.startswith("Nothing to do: spend 2024-03-10 is published")


def test_m_a_backfill_echoes_its_dates_and_its_counts_add_up(shop: Shop) -> None:
    assert shop.type("run", "spend", *DAY).code == 0
    done = shop.type("backfill", "spend", *RANGE)
    assert "3 dates: 2024-03-10 to 2024-03-12 (end excluded), 2 to build, 1 up to date" in done.err
    assert "2 published, 0 held, 0 failed, 1 up to date" in done.out
    again = shop.type("backfill", "spend", *RANGE)
    assert again.out.startswith("Nothing to do: all 3 dates of spend")


def test_k_a_held_date_ends_with_3_and_can_be_accepted_by_name(shop: Shop) -> None:
    shop.write("pipelines/spend/validation.sql", VALIDATION.replace("> -1000", "> 1000"))
    held = shop.type("run", "spend", *DAY)
    assert held.code == 3
    assert held.err.splitlines()[0] == "held: spend / 2024-03-10 / validate: 1 of 2 checks is not true"
    assert "Publish anyway: augury run spend --date 2024-03-10 --accept not_absurd" in held.err
    assert held.out == ""
    assert shop.type("query", "select count(*) as n from spend_predictions_staging", "--output", "csv").out == "n\n20\n"
    assert shop.type("run", "spend", *DAY, "--accept", "not_absurd").code == 0


def test_a_failed_date_ends_with_1_and_retry_runs_exactly_it(shop: Shop) -> None:
    assert shop.type("backfill", "spend", *RANGE).code == 0
    shop.write("pipelines/spend/validation.sql", VALIDATION.replace("predicted_spent", "predicted_spend"))
    failed = shop.type("run", "spend", "--date", "2024-03-11")
    assert failed.code == 1
    assert failed.err.startswith("error: spend / 2024-03-11 / validate: ")
    assert "pipelines/spend/validation.sql" in failed.err
    assert "Nothing was published. Fix the SQL, then: augury run spend --date 2024-03-11" in failed.err
    assert "Traceback" not in failed.err
    shop.write("pipelines/spend/validation.sql", VALIDATION.replace("-1000", "-2000"))
    again = shop.type("retry", "--output", "json")
    assert again.code == 0
    assert [found["run_date"] for found in again.json["run"]["dates"]] == ["2024-03-11"]
    assert shop.type("retry").out.startswith("Nothing to retry")


def test_a_range_that_fails_shows_each_different_error_once(shop: Shop) -> None:
    shop.write("pipelines/spend/prepare.sql", PREPARE.replace("amount", "amuont"))
    failed = shop.type("backfill", "spend", *RANGE)
    assert failed.code == 1
    assert failed.err.count("error: ") == 2  # the cause, and what it blocked
    assert failed.err.rstrip().endswith("augury retry spend")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "spnd", *DAY], "spend"),
        (["run", "spend"], "--date, or --start and --end, is missing"),
        (["run", "spend", *DAY, *RANGE], "give one of the two"),
        (["run", "spend", "--start", "2024-03-10"], "--end is missing"),
        (["run", "spend", "--date", "2024-02-30"], "not a date"),
        (["run", "spend", "--date", "yesterdy"], "yesterday"),
        (["run", "spend", "--date", "2031-01-01"], "not a run date"),
        (["run", "spend", "--start", "2024-03-10", "--end", "2024-03-10"], "is not before"),
        (["run", "spend", *DAY, "--step", "prepar"], "prepare"),
        (["run", "spend", *DAY, "--version", "v9"], "v9"),
        (["run", "spend", *DAY, "--target", "prd"], "prod"),
        (["run", "spend", *DAY, "--vars", "margn=1"], "margn"),
        (["promote", "spend", "7"], "7"),
        (["set-version", "spend", "v2"], "v2"),
    ],
)
def test_what_cannot_start_ends_with_2_and_writes_nothing(shop: Shop, words: list[str], said: str) -> None:
    before = shop.files
    refused = shop.type(*words)
    assert refused.code == 2
    assert said in refused.err
    assert "Traceback" not in refused.err
    assert refused.out == ""
    assert {name for name in shop.files - before if name.endswith(".parquet")} == set()


def test_every_problem_of_the_project_is_reported_at_once(shop: Shop) -> None:
    shop.write("pipelines/spend/pipeline.yml", "entty: customer_id\nstart: 2024-02-30\n")
    refused = shop.type("validate", "--output", "json")
    assert refused.code == 2
    assert refused.err.startswith("error: ")
    problems = refused.json["error"]["problems"]
    assert len(problems) >= 2
    assert all(problem["file"] == "pipelines/spend/pipeline.yml" for problem in problems)


def test_g_training_ends_with_3_where_the_gate_says_no(shop: Shop) -> None:
    assert shop.type("train", "spend", "--date", "2024-03-08").code == 0
    text = (shop.folder / "pipelines/spend/pipeline.yml").read_text("utf-8")
    shop.write("pipelines/spend/pipeline.yml", text.replace('"<= 1000"', '"<= 0"'))
    held = shop.type("train", "spend", "--date", "2024-03-15")
    assert held.code == 3
    assert "gate <= 0 not met" in held.out


def test_h_decisions_are_recorded_with_who_made_them(shop: Shop) -> None:
    for tick in ("2024-03-08", "2024-03-15"):
        assert shop.type("train", "spend", "--date", tick).code == 0
    promoted = shop.type("promote", "spend", "spend@1", "--from", "2024-03-20")
    assert promoted.out.startswith("spend@1 scores from 2024-03-20 on.   (recorded: ")
    back = shop.type("rollback", "spend", "--to", "2", "--from", "2024-03-21", "--output", "json")
    assert back.json["decision"]["subject"] == "2"
    assert back.json["decision"]["effective_from"] == "2024-03-21"


def test_log_lines_on_stderr_name_pipeline_date_step_and_run(shop: Shop) -> None:
    done = shop.type("run", "spend", *DAY, "--log-format", "json")
    lines = [json.loads(line) for line in done.err.splitlines()]
    steps = [line for line in lines if line.get("event") == "step_finished"]
    assert {line["step"] for line in steps} >= {"prepare", "predict", "publish"}
    assert all(line["pipeline"] == "spend" and line["date"] and line["run_id"] for line in steps)
    assert "\x1b" not in done.err


def test_quiet_prints_results_alone(shop: Shop) -> None:
    done = shop.type("run", "spend", *DAY, "-q")
    assert done.err == ""
    assert "published" in done.out


def test_steps_are_told_with_v(shop: Shop) -> None:
    done = shop.type("-v", "run", "spend", *DAY)
    assert "spend 2024-03-10  publish  succeeded   20 rows" in done.err
