"""What one pipeline may never read of another: dates it does not have, the future, outcomes, and its own readers."""

from __future__ import annotations

import pytest

from augury.errors import SpecError
from tests.drafts import Draft
from tests.projects import REVENUE, SPENT, day
from tests.unit.plan.others import JOINED, TRAINED, waits_for
from tests.unit.plan.world import World


def refusal(world: World, *asked: str) -> str:
    with pytest.raises(SpecError) as caught:
        world.ask(tuple(map(day, asked)))
    return "\n".join(map(str, caught.value.problems))


def test_a_date_that_the_other_pipeline_does_not_have_is_refused_with_the_nearest(shop: Draft) -> None:
    shop.pipeline("scores", "schedule: {cron: '0 6 * * 1'}", start="2026-01-05", prepare=SPENT)
    world = World(shop.pipeline(settings="archive: false", prepare=SPENT, filter=JOINED))
    assert refusal(world, "2026-01-12", "2026-01-13") == (
        "pipelines/ltv/filter.sql:1  ltv 2026-01-13 needs scores.predictions of that date, which is no run date of "
        "scores: it has the days of '0 6 * * 1' from 2026-01-05; the nearest is 2026-01-12"
        "   did you mean \"history('scores.predictions', days=7)\"?"
    )
    assert world.ask((day("2026-01-12"),)).tasks


@pytest.mark.parametrize(
    ("schedule", "until"),
    [
        ("{lag: 1d}", "knows what happened before 2026-01-10 00:00 UTC (lag 0d, UTC)"),
        ("{timezone: Asia/Tokyo}", "and ltv 2026-01-10 only what did before 2026-01-09 15:00 UTC (lag 0d, Asia/Tokyo)"),
    ],
)
def test_what_knows_more_than_the_reader_is_refused_with_the_dates_before_it(
    shop: Draft, schedule: str, until: str
) -> None:
    shop.pipeline("scores", settings="archive: false", prepare=SPENT)
    world = World(shop.pipeline(settings=f"schedule: {schedule}", prepare=SPENT, filter=JOINED))
    said = refusal(world, "2026-01-10")
    assert until in said
    assert "that is knowledge of the future. Let scores trail as far as ltv does" in said
    assert said.endswith("did you mean \"history('scores.predictions', days=1)\"?")


@pytest.mark.parametrize("schedule", ["{lag: 1d}", "{timezone: Asia/Tokyo}"])
def test_what_knows_no_more_may_be_read(shop: Draft, schedule: str) -> None:
    shop.pipeline("scores", f"schedule: {schedule}", prepare=SPENT)
    world = World(shop.pipeline(settings="archive: false", prepare=SPENT, filter=JOINED))
    assert waits_for(world.plan("2026-01-10"))


def test_a_look_back_is_measured_by_its_last_date(shop: Draft) -> None:
    shop.pipeline("scores", settings="archive: false", prepare=SPENT)
    past = "select customer_id from {{ ref('prepare') }}, {{ history('scores.predictions', days=3) }} p"
    world = World(shop.pipeline(settings="schedule: {lag: 1d}", prepare=SPENT, filter=past))
    assert waits_for(world.plan("2026-01-10"))
    shop.edit("pipelines/ltv/pipeline.yml", "lag: 1d", "lag: 2d")
    assert "scores.predictions of 2026-01-09 knows" in refusal(world, "2026-01-10")


def test_two_zones_are_compared_on_each_date(shop: Draft) -> None:
    """Days begin together in winter; in summer those of New York begin an hour before those of Jamaica."""
    shop.pipeline("scores", "schedule: {timezone: America/Jamaica}", prepare=SPENT)
    world = World(shop.pipeline(settings="schedule: {timezone: America/New_York}", prepare=SPENT, filter=JOINED))
    assert waits_for(world.plan("2026-01-10"))
    assert "scores.predictions of 2026-06-10 knows" in refusal(world, "2026-01-10", "2026-06-10")


def test_an_outcome_of_another_pipeline_reaches_labels_alone(shop: Draft) -> None:
    settings = "horizon: 7d\n"
    shop.pipeline("scores", settings, prepare=SPENT, spent_after=REVENUE)
    world = World(shop.pipeline(settings=settings, prepare="select * from {{ ref('scores.spent_after') }}"))
    assert refusal(world, "2026-01-10") == (
        "pipelines/ltv/prepare.sql:1  scores.spent_after knows the outcome of its date, which prepare must not know"
        "   did you mean \"history('scores.spent_after', days=...), which holds closed ones only\"?"
    )
    helped = "select * from {{ ref('helper') }}"
    shop.pipeline(settings=settings, prepare=helped, helper="select * from {{ ref('scores.spent_after') }}")
    assert "prepare reads an outcome, through a step that it refers to" in refusal(world, "2026-01-10")


def test_a_label_that_closes_later_than_the_reader_s_own_is_refused(shop: Draft) -> None:
    shop.pipeline("scores", TRAINED.replace("7d", "9d"), prepare=SPENT, label=REVENUE)
    world = World(
        shop.pipeline(
            settings=TRAINED, prepare=SPENT, label="select customer_id, revenue from {{ ref('scores.label') }}"
        )
    )
    assert "scores.label of 2026-02-10 knows what happened before 2026-02-19" in refusal(world, "2026-02-10")


def test_pipelines_that_read_one_another_are_refused_with_the_ring(shop: Draft) -> None:
    shop.pipeline("scores", prepare="select * from {{ ref('middle.predictions') }}")
    shop.pipeline("middle", prepare="select * from {{ ref('ltv.prepare') }}")
    world = World(shop.pipeline(prepare=SPENT, filter="select customer_id from {{ ref('scores.prepare') }}"))
    assert refusal(world, "2026-01-10") == (
        "pipelines/middle/prepare.sql:1  pipelines read one another in a cycle: ltv -> scores -> middle -> ltv"
    )


def test_what_is_wrong_with_a_pipeline_that_is_read_is_said_by_its_reader(shop: Draft) -> None:
    shop.pipeline("scores", prepare=SPENT)
    reader = World(shop.pipeline(settings="archive: false", prepare=SPENT, filter=JOINED))
    shop.edit("pipelines/scores/prepare.sql", "source('orders')", "source('order')")
    assert refusal(reader, "2026-01-10") == (
        "pipelines/scores/prepare.sql:2  source('order'): no such source (there is orders)   did you mean 'orders'?"
    )
