"""Do two versions of a pipeline live side by side, and do consumers follow the current one?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli_runner import called, refused, rows, worked
from tests.projects import Shop
from tests.tiny import NAMESPACE, SPEND, VISITS, data, everything, tiny


@pytest.fixture
def two(published: Shop) -> Shop:
    """v1 published 10 to 12 January; v2, worth a hundred times, has not run."""
    for path in list((published.root / VISITS).iterdir()):
        published.write(f"{VISITS}/v2/{path.name}", path.read_text("utf-8"))
    published.edit(f"{VISITS}/v2/post_process.sql", "{{ var('factor') }}", "100")
    return published


@pytest.fixture
def both(two: Shop) -> Shop:
    """v2 has run for the first two of the three dates."""
    worked(
        called("backfill", "visits", "--start", "2024-01-10", "--end", "2024-01-12", "--version", "v2", folder=two.root)
    )
    return two


def seen(shop: Shop, table: str = "visits_predictions") -> list[tuple[str, str, int]]:
    """What consumers see: (date, version, rows)."""
    found = rows(f"select run_date as d, version as v, count(*) as n from {table} group by all order by all", shop.root)
    return [(row["d"][8:], row["v"], row["n"]) for row in found]


V1 = [("10", "v1", 12), ("11", "v1", 12), ("12", "v1", 12)]
V2 = [("10", "v2", 12), ("11", "v2", 12)]


def test_b13_each_version_has_tables_of_its_own(both: Shop) -> None:
    names = {path.name for path in (both.root / NAMESPACE).iterdir() if path.is_dir() and path.name[0] != "_"}
    steps = ("prepare", "predictions", "predictions_staging")
    assert names == {
        *(f"visits_{version}_{step}" for version in ("v1", "v2") for step in steps),
        "visits_archive",
        "augury_runs",
        "augury_models",
    }
    views = {path.stem for path in (both.root / NAMESPACE / "_views").iterdir()}
    assert views == {"visits_predictions", "visits_predictions_staging"}


def test_b14_every_published_row_names_its_version(both: Shop) -> None:
    assert seen(both, "visits_v1_predictions") == V1
    assert seen(both, "visits_v2_predictions") == V2
    assert seen(both, "visits_archive") == V1


def test_a_second_version_touches_nothing_of_the_first(two: Shop) -> None:
    before = data(two.root / NAMESPACE)
    worked(called("run", "visits", "--date", "2024-01-11", "--version", "v2", folder=two.root))
    after = data(two.root / NAMESPACE)
    assert {name: after.get(name) for name in before} == before
    assert all("visits_v2_" in name for name in after.keys() - before.keys())


def test_h2_consumers_follow_set_version_at_once_and_back(both: Shop) -> None:
    before = data(both.root / NAMESPACE)
    assert seen(both) == V1
    answer = worked(called("set-version", "visits", "v2", folder=both.root))
    assert "visits_predictions is v2 now" in answer.out
    assert seen(both) == V2
    worked(called("set-version", "visits", "v1", folder=both.root))
    assert seen(both) == V1
    assert data(both.root / NAMESPACE) == before


def test_h2_a_switch_is_recorded_with_who_and_when(both: Shop) -> None:
    answer = worked(called("set-version", "visits", "v2", "--output", "json", folder=both.root))
    decision = answer.document["decision"]
    assert decision["action"] == "set-version"
    assert decision["who"]
    assert decision["at"].startswith("20")


def test_the_archive_takes_what_the_current_version_published(both: Shop) -> None:
    worked(called("set-version", "visits", "v2", folder=both.root))
    for version in ("v1", "v2"):
        worked(called("run", "visits", "--date", "2024-01-13", "--version", version, folder=both.root))
    assert seen(both, "visits_archive") == [*V1, ("13", "v2", 12)]


def test_without_a_version_the_current_one_runs(both: Shop) -> None:
    worked(called("set-version", "visits", "v2", folder=both.root))
    worked(called("run", "visits", "--date", "2024-01-13", folder=both.root))
    assert seen(both) == [*V2, ("13", "v2", 12)]
    assert seen(both, "visits_v1_predictions") == V1


def test_h3_a_version_that_is_not_there_is_refused_with_those_that_are(two: Shop) -> None:
    before = everything(two.root / NAMESPACE)
    refused(called("set-version", "visits", "v3", folder=two.root), 2, "no version 'v3'", "v1, v2")
    refused(called("run", "visits", "--date", "2024-01-13", "--version", "v3", folder=two.root), 2, "v1, v2")
    assert everything(two.root / NAMESPACE) == before
    assert seen(two) == V1


def test_h3_before_anything_ran_a_query_says_so(visits: Shop) -> None:
    refused(called("query", "select * from visits_predictions", folder=visits.root), 1, "visits_predictions")


def test_h3_a_version_that_never_published_cannot_become_current(two: Shop) -> None:
    """Consumers would find nothing."""
    refused(called("set-version", "visits", "v2", folder=two.root), 2, "visits v2 has published nothing yet")
    assert seen(two) == V1


def test_h4_a_version_whose_folder_is_gone_stops_running_and_its_tables_stay(both: Shop) -> None:
    shutil.rmtree(both.root / VISITS / "v2")
    before = data(both.root / NAMESPACE)
    refused(called("run", "visits", "--date", "2024-01-12", "--version", "v2", folder=both.root), 2, "no version 'v2'")
    listed = worked(called("ls", "--output", "ndjson", folder=both.root)).out.splitlines()
    assert [json.loads(line)["version"] for line in listed] == ["v1"]
    assert data(both.root / NAMESPACE) == before
    assert seen(both, "visits_v2_predictions") == V2


GONE = "the current version of visits is v2, and the project has no v2"


@pytest.fixture
def gone(both: Shop) -> Shop:
    """Consumers see v2, whose folder was deleted."""
    worked(called("set-version", "visits", "v2", folder=both.root))
    shutil.rmtree(both.root / VISITS / "v2")
    return both


def test_h4_when_the_current_version_is_gone_no_run_moves_consumers(gone: Shop) -> None:
    """A run has to say which version it means, and what it publishes is not what consumers read."""
    for command in ("plan", "run"):
        said = refused(called(command, "visits", "--date", "2024-01-13", folder=gone.root), 2, GONE)
        assert "augury set-version visits v1" in said
    answer = worked(called("run", "visits", "--date", "2024-01-13", "--version", "v1", folder=gone.root))
    assert "published  visits_v1_predictions" in answer.out
    assert "augury show visits --date 2024-01-13 --version v1" in answer.err
    assert GONE in called("doctor", "--fix", folder=gone.root).out
    assert seen(gone) == V2
    assert seen(gone, "visits_v1_predictions") == [*V1, ("13", "v1", 12)]
    assert seen(gone, "visits_archive") == V1


def test_h4_when_the_current_version_is_gone_the_doctor_and_the_status_say_so(gone: Shop) -> None:
    found = called("doctor", folder=gone.root)
    assert found.code == 1
    assert GONE in found.out
    assert "consumers go on reading what v2 published" in found.out
    assert "augury set-version visits v1" in found.out
    assert (
        "visits: consumers see a version that is not in the project" in worked(called("status", folder=gone.root)).out
    )
    assert seen(gone) == V2


def test_h4_whoever_looks_at_everything_is_not_kept_from_it_by_a_version_that_is_gone(gone: Shop) -> None:
    for words in (["ls"], ["validate"], ["status", "visits"], ["runs", "visits"], ["logs", "visits"], ["retry"]):
        worked(called(*words, folder=gone.root))


def test_h4_when_the_current_version_is_gone_somebody_decides_for_another_one(gone: Shop) -> None:
    worked(called("set-version", "visits", "v1", folder=gone.root))
    assert seen(gone) == V1
    worked(called("run", "visits", "--date", "2024-01-13", folder=gone.root))
    assert seen(gone) == [*V1, ("13", "v1", 12)]
    assert GONE not in called("doctor", folder=gone.root).out


def test_h4_a_pipeline_that_reads_one_whose_current_version_is_gone_is_told(gone: Shop) -> None:
    """It would silently go on with other rows."""
    gone.pipeline("worth", start="2024-01-05", prepare="select customer_id, worth from {{ ref('visits.predictions') }}")
    refused(
        called("run", "worth", "--date", "2024-01-11", folder=gone.root),
        2,
        "pipelines/worth/prepare.sql:1",
        "the version of visits that consumers see is not in the project",
        "visits.v1.predictions",
    )


def test_h4_where_nobody_decided_consumers_stay_with_what_they_read(both: Shop) -> None:
    """v1 was current because it was the first; its files go, and v2 must be decided for."""
    for path in (both.root / VISITS).glob("*.*"):
        path.unlink()
    said = refused(called("run", "visits", "--date", "2024-01-12", folder=both.root), 2, "the project has no v1")
    assert "augury set-version visits v2" in said
    worked(called("run", "visits", "--date", "2024-01-12", "--version", "v2", folder=both.root))
    assert seen(both) == V1
    worked(called("set-version", "visits", "v2", folder=both.root))
    assert seen(both) == [*V2, ("12", "v2", 12)]


def test_h10_description_owner_url_and_note_are_shown(trained: Shop) -> None:
    """Where people look at the pipeline, and beside its models in the warehouse."""
    trained.edit(
        f"{SPEND}/pipeline.yml",
        "entity:",
        "description: What comes next\nowner: growth@example.com\nurl: https://example.com/spend\n"
        "note: Sundays are low\nentity:",
    )
    shown = worked(called("config", "show", "spend", folder=trained.root)).out
    for word in ("What comes next", "growth@example.com", "https://example.com/spend", "Sundays are low"):
        assert word in shown
    listed = json.loads(worked(called("ls", "--output", "ndjson", folder=trained.root)).out)
    assert (listed["description"], listed["owner"]) == ("What comes next", "growth@example.com")
    worked(called("run", "spend", "--date", "2024-01-30", folder=trained.root))
    assert rows("select description, url, note from augury_models", trained.root) == [
        {"description": "What comes next", "url": "https://example.com/spend", "note": "Sundays are low"}
    ]


# -- models --------------------------------------------------------------------------------------------------------


def models(shop: Shop) -> list[dict[str, Any]]:
    answer = worked(called("models", "spend", "--output", "ndjson", folder=shop.root))
    return [json.loads(line) for line in answer.out.splitlines()]


def scored_by(shop: Shop) -> dict[str, list[int]]:
    """Run date to the models that its rows name."""
    found = rows(
        "select run_date as d, list(distinct model_version) as m from spend_predictions group by 1 order by 1",
        shop.root,
    )
    return {row["d"]: row["m"] for row in found}


@pytest.fixture
def next_model(trained: Shop) -> Shop:
    """Model 1 of 29 January scored 29 January; model 2 is trained as of 1 February."""
    worked(called("train", "spend", "--date", "2024-02-01", folder=trained.root))
    return trained


def test_h6_every_row_names_the_model_that_made_it(next_model: Shop) -> None:
    worked(called("backfill", "spend", "--start", "2024-01-30", "--end", "2024-02-03", folder=next_model.root))
    assert scored_by(next_model) == {
        "2024-01-29": [1],
        "2024-01-30": [1],
        "2024-01-31": [1],
        "2024-02-01": [2],
        "2024-02-02": [2],
    }
    ticks = {model["model_version"]: model["tick"] for model in models(next_model)}
    assert ticks == {1: "2024-01-29", 2: "2024-02-01"}


def test_h2_a_rollback_counts_from_a_date_and_rewrites_none_before_it(next_model: Shop) -> None:
    worked(called("backfill", "spend", "--start", "2024-01-30", "--end", "2024-02-03", folder=next_model.root))
    past = rows("select * from spend_predictions order by all", next_model.root)
    answer = worked(called("rollback", "spend", "--from", "2024-02-03", folder=next_model.root))
    assert "spend@1 scores from 2024-02-03 on" in answer.out
    worked(called("backfill", "spend", "--start", "2024-01-29", "--end", "2024-02-05", folder=next_model.root))
    assert scored_by(next_model)["2024-02-03"] == [1]
    kept = rows("select * from spend_predictions where run_date < '2024-02-03' order by all", next_model.root)
    assert kept == past


def test_a_promotion_of_a_model_that_is_not_there_is_refused(trained: Shop) -> None:
    before = everything(trained.root / NAMESPACE)
    refused(called("promote", "spend", "7", folder=trained.root), 2, "7")
    refused(called("promote", "spend", "seven", folder=trained.root), 2, "'seven' is not a model version")
    refused(called("rollback", "spend", folder=trained.root), 2, "spend")
    assert everything(trained.root / NAMESPACE) == before


def test_augury_models_keeps_the_models_of_pipelines_that_a_command_did_not_read(tmp_path: Path) -> None:
    shop = tiny(tmp_path / "shop", spend=True)
    worked(called("run", "spend", "--date", "2024-01-30", folder=shop.root))
    worked(called("run", "visits", "--date", "2024-01-10", folder=shop.root))
    assert {row["pipeline"] for row in rows("select pipeline from augury_models", shop.root)} == {"spend"}
