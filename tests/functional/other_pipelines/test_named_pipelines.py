"""Who reads whom can be seen, and what cannot be read is refused before anything is written."""

from __future__ import annotations

import pytest

from tests.cli_runner import called, refused, worked
from tests.functional.other_pipelines.conftest import KNOWN
from tests.projects import Shop

FILTER = "pipelines/targeting/filter.sql"


def test_ls_shows_what_each_pipeline_reads_of_others(shop: Shop) -> None:
    shop.pipeline("alone", prepare=KNOWN + " -- not ref('scores.predictions')")
    answer = worked(called("ls", folder=shop.root))
    lines = {line.split()[0]: line for line in answer.out.splitlines()}
    assert "reads" in lines["pipeline"]
    assert lines["targeting"].endswith("scores.predictions")
    document = called("ls", "--output", "json", folder=shop.root).document
    assert {each["pipeline"]: each["reads"] for each in document["pipelines"]} == {
        "alone": [],
        "scores": [],
        "targeting": ["scores.predictions"],
    }


def test_compiled_sql_names_the_table_of_the_other_pipeline(shop: Shop) -> None:
    answer = worked(called("compile", "targeting", "--date", "2026-01-10", "--step", "filter", folder=shop.root))
    assert """(SELECT * FROM "scores_v1_predictions" WHERE run_date = DATE '2026-01-10') as s""" in answer.out


@pytest.mark.parametrize(
    ("read", "words"),
    [
        ("score.predictions", ("filter.sql:3", "no such pipeline", "did you mean 'scores.predictions'?")),
        ("scores.prediction", ("filter.sql:3", "no such step", "did you mean 'scores.predictions'?")),
        ("scores.v7.predictions", ("filter.sql:3", "scores has no version v7 (there is v1)")),
        ("targeting.prepare", ("filter.sql:3", "is a step of this pipeline", "did you mean 'prepare'?")),
    ],
)
@pytest.mark.parametrize("command", [("run", "targeting", "--date", "2026-01-10"), ("validate",)])
def test_an_unknown_name_is_refused_with_its_line(shop: Shop, command: tuple[str, ...], read: str, words: str) -> None:
    shop.edit(FILTER, "scores.predictions", read)
    refused(called(*command, folder=shop.root), 2, *words)
    assert not (shop.root / ".augury/dev/targeting_v1_prepare").exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("score.predictions", ("there is no pipeline called 'score'", "did you mean 'scores.predictions'?")),
        ("scores.prediction", ("no such step", "did you mean 'scores.predictions'?")),
    ],
)
def test_an_unknown_name_in_a_hook_is_refused_with_its_line(shop: Shop, asked: str, words: tuple[str, ...]) -> None:
    (shop.root / FILTER).unlink()
    text = f"from augury.hooks import ref\n\n\ndef filter(\n    prepare,\n    s=ref({asked!r}),\n):\n    return s\n"
    shop.write("pipelines/targeting/hooks.py", text)
    refused(called("validate", folder=shop.root), 2, "pipelines/targeting/hooks.py:6", "filter(s)", *words)


def test_a_ring_of_pipelines_is_refused_by_its_name(shop: Shop) -> None:
    shop.write("pipelines/scores/filter.sql", "select customer_id from {{ ref('targeting.predictions') }}")
    refused(
        called("validate", folder=shop.root),
        2,
        "pipelines read one another in a cycle: scores -> targeting -> scores",
        "pipelines read one another in a cycle: targeting -> scores -> targeting",
    )
    refused(called("run", "scores", "--date", "2026-01-10", folder=shop.root), 2, "scores -> targeting -> scores")


def test_a_date_that_the_other_pipeline_does_not_have_is_refused_with_the_nearest(shop: Shop) -> None:
    shop.edit("pipelines/scores/pipeline.yml", "end:", "schedule: {cron: '0 6 * * 6'}\nend:")
    refused(
        called("plan", "targeting", "--date", "2026-01-13", folder=shop.root),
        2,
        "pipelines/targeting/filter.sql:3",
        "targeting 2026-01-13 needs scores.predictions of that date, which is no run date of scores",
        "the nearest is 2026-01-10",
        "history('scores.predictions', days=7)",
    )
    shop.edit(FILTER, "ref('scores.predictions')", "history('scores.predictions', days=7)")
    shop.run("scores", "2026-01-10")
    shop.run("targeting", "2026-01-13")
    assert [row["score"] for row in shop.published("targeting", "2026-01-13")] == [90.0, 90.0]


def test_what_would_be_knowledge_of_the_future_is_refused_by_validate(shop: Shop) -> None:
    shop.edit("pipelines/targeting/pipeline.yml", "end:", "schedule: {lag: 2d}\nend:")
    for command in (("validate",), ("run", "targeting", "--date", "2026-01-10")):
        refused(
            called(*command, folder=shop.root),
            2,
            "pipelines/targeting/filter.sql:3",
            "that is knowledge of the future. Let scores trail as far as targeting does",
        )
    shop.edit("pipelines/scores/pipeline.yml", "end:", "schedule: {lag: 2d}\nend:")
    worked(called("validate", folder=shop.root))


def test_a_pipeline_is_read_with_those_that_it_reads_and_with_no_others(shop: Shop) -> None:
    """Somebody else's half-finished pipeline stops nobody."""
    shop.run("scores", "2026-01-10")
    shop.write("pipelines/draft/pipeline.yml", "entity: [\n")
    shop.write("pipelines/draft/prepare.sql", "select 1 as customer_id")
    worked(called("run", "targeting", "--date", "2026-01-10", folder=shop.root))
    shop.write("pipelines/scores/pipeline.yml", "entity: [\n")
    refused(called("run", "targeting", "--date", "2026-01-10", folder=shop.root), 2, "pipelines/scores/pipeline.yml")


def test_a_name_that_a_template_puts_together_is_found_too(shop: Shop) -> None:
    shop.edit("pipelines/targeting/pipeline.yml", "end:", "vars: {upstream: scores}\nend:")
    shop.edit(FILTER, "ref('scores.predictions')", "published_by(var('upstream'))")
    shop.write("macros/others.sql", "{% macro published_by(name) %}{{ ref(name ~ '.predictions') }}{% endmacro %}")
    refused(called("run", "targeting", "--date", "2026-01-10", folder=shop.root), 1, "scores.predictions 2026-01-10")
    shop.run("scores", "2026-01-10")
    worked(called("run", "targeting", "--date", "2026-01-10", folder=shop.root))
    assert shop.published("targeting", "2026-01-10")


def test_a_step_that_only_another_pipeline_reads_is_no_misspelling(shop: Shop) -> None:
    shop.write("pipelines/scores/filters.sql", KNOWN)
    refused(called("validate", folder=shop.root), 2, "nothing reads this step", "filter.sql")
    shop.edit(FILTER, "scores.predictions", "scores.filters")
    shop.edit(FILTER, "where s.score > 20", "")
    shop.edit(FILTER, ", s.score", "")
    worked(called("validate", folder=shop.root))
    refused(
        called("run", "targeting", "--date", "2026-01-10", folder=shop.root),
        1,
        "scores.filters 2026-01-10 is not built",
        "augury run scores --date 2026-01-10 --step filters",
    )
    worked(called("run", "scores", "--date", "2026-01-10", "--step", "filters", folder=shop.root))
    worked(called("run", "targeting", "--date", "2026-01-10", folder=shop.root))


def test_a_read_that_is_made_on_some_dates_only_is_an_error_that_says_so(shop: Shop) -> None:
    shop.edit(FILTER, "ref('scores.predictions')", "ref('scores.predictions' if run_date.day == 11 else 'prepare')")
    shop.edit(FILTER, ", s.score", "")
    shop.edit(FILTER, "where s.score > 20", "")
    refused(
        called("backfill", "targeting", "--start", "2026-01-10", "--end", "2026-01-12", folder=shop.root),
        1,
        "targeting / 2026-01-11 / filter",
        "scores.predictions is read on some dates only, so that no plan can wait for it",
        "Read it on all dates, then: augury run targeting --date 2026-01-11",
    )
    assert shop.statuses("targeting") == {"2026-01-10": "succeeded", "2026-01-11": "failed"}
