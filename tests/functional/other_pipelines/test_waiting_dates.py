"""A date waits for the partition that it reads of another pipeline, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from augury.errors import Blocked
from augury.events import Event, RunStarted
from augury.ledger.records import Status
from tests.cli_runner import called, refused, worked
from tests.functional.other_pipelines.conftest import KNOWN
from tests.projects import Shop, outcomes, reasons_of, steps_of

PICKED_THAT_DAY = [{"customer_id": "a", "score": 90.0}, {"customer_id": "b", "score": 90.0}]


def test_a_missing_input_blocks_its_date_and_says_what_to_run_n6(shop: Shop) -> None:
    said = refused(
        called("run", "targeting", "--date", "2026-01-10", folder=shop.root),
        1,
        "targeting / 2026-01-10 / filter: scores.predictions 2026-01-10 is not built",
        "pipelines/targeting/filter.sql:3",
        "Build it: augury run scores --date 2026-01-10, then: augury run targeting --date 2026-01-10",
    )
    assert said.count("error:") == 1
    assert shop.statuses("targeting") == {"2026-01-10": "blocked"}
    assert shop.published("targeting", "2026-01-10") == []
    assert shop.statuses("scores") == {}, "nobody built what nobody asked for"
    worked(called("run", "scores", "--date", "2026-01-10", folder=shop.root))
    worked(called("run", "targeting", "--date", "2026-01-10", folder=shop.root))
    assert shop.published("targeting", "2026-01-10") == PICKED_THAT_DAY
    again = worked(called("run", "targeting", "--date", "2026-01-10", folder=shop.root))
    assert "nothing that it depends on has changed" in again.out


def test_a_date_joins_what_several_pipelines_published_whoever_came_first_n5(shop: Shop) -> None:
    """`offers` reads two pipelines, one of which reads the other: a date is done as soon as both are."""
    shop.pipeline(
        "offers",
        start="2026-01-03",
        prepare="""\
        select t.customer_id, t.score, s.score - t.score as apart
        from {{ ref('targeting.predictions') }} as t
        join {{ ref('scores.prepare') }} as s using (customer_id)
        """,
    )
    run = ("--date", "2026-01-10")
    said = refused(called("run", "offers", *run, folder=shop.root), 1)
    assert "targeting.predictions 2026-01-10 is not built" in said
    assert "scores.prepare 2026-01-10 is not built" in said
    assert f"augury run scores {' '.join(run)} and augury run targeting {' '.join(run)}" in said
    worked(called("run", "scores", *run, folder=shop.root))
    said = refused(called("run", "offers", *run, folder=shop.root), 1, "targeting.predictions 2026-01-10 is not built")
    assert "scores.prepare" not in said
    worked(called("run", "targeting", *run, folder=shop.root))
    worked(called("run", "offers", *run, folder=shop.root))
    assert [row["apart"] for row in shop.published("offers", "2026-01-10")] == [0.0, 0.0]
    shop.edit("pipelines/scores/pipeline.yml", "weight: 1", "weight: 2")
    shop.run("scores", "2026-01-10")
    shop.run("offers", "2026-01-10")
    assert [row["apart"] for row in shop.published("offers", "2026-01-10")] == [90.0, 90.0], "targeting is as it was"
    shop.run("targeting", "2026-01-10")
    shop.run("offers", "2026-01-10")
    assert [row["apart"] for row in shop.published("offers", "2026-01-10")] == [0.0, 0.0]


def test_a_plan_says_what_it_waits_for_and_how_that_is_built(shop: Shop) -> None:
    shop.run("scores", "2026-01-11")
    answer = worked(
        called("plan", "targeting", "--start", "2026-01-10", "--end", "2026-01-13", "-t", "dev", folder=shop.root)
    )
    assert (
        "note: scores.predictions is not built for 2 dates, 2026-01-10 to 2026-01-12; 2 dates wait for that. "
        "First: augury backfill scores --start 2026-01-10 --end 2026-01-13"
    ) in answer.out
    document = called("plan", "targeting", "--date", "2026-01-10", "--output", "json", folder=shop.root).document
    assert [need for task in document["plan"]["tasks"] for need in task["needs"]] == [
        {
            "pipeline": "scores",
            "version": "v1",
            "step": "publish",
            "table": "scores_v1_predictions",
            "day": "2026-01-10",
            "current": True,
            "apart": False,
            "why": "is not built",
        }
    ]


def test_other_dates_are_not_disturbed_and_many_that_wait_are_told_once(shop: Shop) -> None:
    worked(called("backfill", "scores", "--start", "2026-01-08", "--end", "2026-01-10", folder=shop.root))
    said = refused(
        called("backfill", "targeting", "--start", "2026-01-08", "--end", "2026-01-20", folder=shop.root),
        1,
        "scores.predictions is not built for 10 dates, 2026-01-10 to 2026-01-19",
        "Build it: augury backfill scores --start 2026-01-10 --end 2026-01-20, then: augury retry targeting",
    )
    assert said.count("error:") == 1
    assert list(shop.statuses("targeting").values()) == ["succeeded"] * 2 + ["blocked"] * 10
    # What needs nothing of the other pipeline is built, for whoever looks back at it.
    assert len({row["run_date"] for row in shop.table("targeting_v1_prepare")}) == 12
    worked(called("backfill", "scores", "--start", "2026-01-10", "--end", "2026-01-20", folder=shop.root))
    worked(called("retry", "targeting", folder=shop.root))
    assert set(shop.statuses("targeting").values()) == {"succeeded"}


def test_a_rebuilt_input_is_a_change_and_an_equal_one_is_none(shop: Shop) -> None:
    shop.run("scores", "2026-01-10")
    shop.run("targeting", "2026-01-10")
    shop.run("scores", "2026-01-10", reprocess="all")
    assert shop.plan("targeting", "2026-01-10").is_empty
    shop.edit("pipelines/scores/pipeline.yml", "weight: 1", "weight: 2")
    assert shop.plan("targeting", "2026-01-10").is_empty, "it is not built yet"
    shop.run("scores", "2026-01-10")
    plan = shop.plan("targeting", "2026-01-10")
    assert reasons_of(plan, "filter") == {"2026-01-10": "upstream changed: scores.predictions"}
    assert ("prepare", "2026-01-10") not in steps_of(plan)
    shop.run("targeting", "2026-01-10")
    assert [row["score"] for row in shop.published("targeting", "2026-01-10")] == [180.0, 180.0]
    assert shop.plan("targeting", "2026-01-10").is_empty


def test_a_skipped_date_is_empty_and_a_held_one_is_waited_for_with_its_reason(shop: Shop) -> None:
    shop.edit("pipelines/scores/prepare.sql", "group by", "where ordered_at >= date '2026-01-09' group by")
    shop.write("pipelines/scores/validation.sql", "select count(*) < 3 as few from {{ staging() }}")
    shop.run("scores", "2026-01-05", "2026-01-12")
    found = shop.statuses("scores")
    assert (found["2026-01-05"], found["2026-01-10"]) == ("skipped: empty", "held")
    # The first date is read together with one that was published, which says what columns there are.
    shop.edit("pipelines/scores/validation.sql", "< 3", "< 30")
    shop.run("scores", "2026-01-11")
    assert outcomes(shop.run("targeting", "2026-01-05")) == {"2026-01-05": "skipped: no population"}
    said = refused(called("run", "targeting", "--date", "2026-01-10", folder=shop.root), 1)
    assert "scores.predictions 2026-01-10 was held: " in said
    assert "1 of 1 checks is not true" in said


def test_what_is_tidied_away_upstream_makes_nothing_out_of_date(shop: Shop) -> None:
    shop.run("scores", "2026-01-10")
    shop.run("targeting", "2026-01-10")
    worked(called("state", "reset", "scores", "--yes", folder=shop.root))
    assert shop.plan("targeting", "2026-01-10").is_empty
    shop.edit("pipelines/targeting/filter.sql", "> 20", "> 21")
    refused(called("run", "targeting", "--date", "2026-01-10", folder=shop.root), 1, "is not built")
    assert shop.published("targeting", "2026-01-10") == PICKED_THAT_DAY, "the last good one stays"


def _when_it_starts(shop: Shop, pipeline: str, act: Callable[[], Any]) -> None:
    """Do something once, after `pipeline` was planned and before anything of the plan is performed."""
    todo = [act]

    def listen(event: Event) -> None:
        if isinstance(event, RunStarted) and event.pipeline == pipeline and todo:
            todo.pop()()

    shop.listeners.append(listen)


def test_what_arrives_between_plan_and_performance_is_used_and_nothing_is_left_to_do(shop: Shop) -> None:
    _when_it_starts(shop, "targeting", lambda: shop.run("scores", "2026-01-10"))
    assert outcomes(shop.run("targeting", "2026-01-10")) == {"2026-01-10": "succeeded"}
    assert shop.published("targeting", "2026-01-10") == PICKED_THAT_DAY
    assert shop.plan("targeting", "2026-01-10").is_empty


def test_what_is_rebuilt_between_plan_and_performance_is_what_was_read(shop: Shop) -> None:
    shop.run("scores", "2026-01-10")

    def rebuild() -> None:
        shop.edit("pipelines/scores/pipeline.yml", "weight: 1", "weight: 2")
        shop.run("scores", "2026-01-10")

    _when_it_starts(shop, "targeting", rebuild)
    shop.run("targeting", "2026-01-10")
    assert {row["score"] for row in shop.published("targeting", "2026-01-10")} == {180.0}
    assert shop.plan("targeting", "2026-01-10").is_empty


def test_what_is_rebuilt_meanwhile_of_the_dates_before_is_what_was_read(shop: Shop) -> None:
    shop.write("pipelines/targeting/prepare.sql", "select customer_id, score from {{ ref('scores.predictions') }}")
    rising = "select p.* from {{ ref('prepare') }} p join {{ history('prepare', days=1) }} h using (customer_id)"
    shop.write("pipelines/targeting/filter.sql", rising)
    shop.run("scores", "2026-01-09", "2026-01-11")
    shop.run("targeting", "2026-01-09")

    def rebuild() -> None:
        shop.edit("pipelines/scores/pipeline.yml", "weight: 1", "weight: 2")
        shop.run("scores", "2026-01-09")
        shop.run("targeting", "2026-01-09")

    _when_it_starts(shop, "targeting", rebuild)
    shop.run("targeting", "2026-01-10")
    assert shop.plan("targeting", "2026-01-10").is_empty


def test_what_goes_between_plan_and_performance_blocks_its_date(shop: Shop) -> None:
    shop.run("scores", "2026-01-10")
    _when_it_starts(shop, "targeting", lambda: worked(called("state", "reset", "scores", "--yes", folder=shop.root)))
    result = shop.run("targeting", "2026-01-10")
    (outcome,) = result.outcomes
    assert (outcome.status, type(outcome.error)) == (Status.BLOCKED, Blocked)
    assert outcome.detail == "scores.predictions 2026-01-10 is not built"


def test_a_hook_reads_another_pipeline_like_sql_does(shop: Shop) -> None:
    (shop.root / "pipelines/targeting/filter.sql").unlink()
    shop.write(
        "pipelines/targeting/hooks.py",
        """\
        import pyarrow.compute as pc
        from augury.hooks import history, ref

        def filter(prepare, scores=ref("scores.predictions"), past=history("scores.prepare", days=2)):
            assert past.num_rows == 5, past
            best = scores.filter(pc.greater(scores["score"], 20)).select(["customer_id", "score"])
            return best.filter(pc.is_in(best["customer_id"], prepare["customer_id"]))
        """,
    )
    refused(
        called("run", "targeting", "--date", "2026-01-11", folder=shop.root),
        1,
        "pipelines/targeting/hooks.py:4",
        "scores.predictions 2026-01-11 is not built",
        "scores.prepare is not built for 2 dates, 2026-01-09 to 2026-01-10",
    )
    shop.run("scores", "2026-01-09", "2026-01-12")
    shop.run("targeting", "2026-01-11")
    assert [row["customer_id"] for row in shop.published("targeting", "2026-01-11")] == ["a", "b"]
    assert shop.plan("targeting", "2026-01-11").is_empty


@pytest.mark.parametrize("read", ["scores.v2.predictions", "scores.predictions"])
def test_a_version_is_the_one_that_is_named_or_the_one_that_consumers_see(shop: Shop, read: str) -> None:
    shop.pipeline("scores", "end: 2026-02-20\nvars: {weight: 10}\n", version="v2", start="2026-01-03", prepare=KNOWN)
    shop.write("pipelines/scores/v2/prepare.sql", shop.text("pipelines/scores/prepare.sql"))
    shop.edit("pipelines/targeting/filter.sql", "scores.predictions", read)
    shop.run("scores", "2026-01-10", version="v1")
    if read == "scores.predictions":
        shop.run("targeting", "2026-01-10")
        assert shop.published("targeting", "2026-01-10") == PICKED_THAT_DAY
        shop.run("scores", "2026-01-10", version="v2")
        assert shop.plan("targeting", "2026-01-10").is_empty
        worked(called("set-version", "scores", "v2", folder=shop.root))
        changed = reasons_of(shop.plan("targeting", "2026-01-10"), "filter")
        assert changed == {"2026-01-10": "upstream changed: scores.predictions"}
    else:
        answer = called("run", "targeting", "--date", "2026-01-10", folder=shop.root)
        refused(answer, 1, "augury run scores --date 2026-01-10 --version v2")
        shop.run("scores", "2026-01-10", version="v2")
    shop.run("targeting", "2026-01-10")
    assert [row["score"] for row in shop.published("targeting", "2026-01-10")] == [900.0, 900.0, 100.0]
