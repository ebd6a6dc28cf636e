"""A step of another pipeline is named with its pipeline; what cannot be read is refused where it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from augury.sql.relations import OtherHistory, OtherRef, Relation
from tests.unit.sql.room import FACTS, VALUES, compiled, complaint

SHOP = replace(
    FACTS,
    others={
        "scores": {"": ("prepare", "label", "predict"), "v1": ("prepare",), "v2": ("prepare", "label", "predict")},
        "ltv": {"v1": ("prepare",)},
    },
    pipelines=("ltv", "scores", "unread"),
)


def reads(text: str, step: str = "prepare") -> tuple[Relation, ...]:
    return compiled(text, facts=SHOP, step=step).reads


def refused(text: str, step: str = "prepare") -> str:
    return complaint(text, facts=SHOP, step=step)


def test_a_step_is_named_with_its_pipeline_and_perhaps_its_version() -> None:
    assert reads("FROM {{ ref('scores.prepare') }} JOIN {{ ref('scores.v1.prepare') }} b USING (k)") == (
        OtherRef("scores", "", "prepare"),
        OtherRef("scores", "v1", "prepare"),
    )
    assert reads("FROM {{ history('scores.predict', days=28) }}") == (OtherHistory("scores", "", "predict", 28),)
    assert reads("FROM {{ ref('ltv.v1.prepare') }}") == (OtherRef("ltv", "v1", "prepare"),)


def test_predictions_are_what_a_pipeline_published() -> None:
    published = (OtherRef("scores", "", "publish"),)
    assert reads("FROM {{ ref('scores.predictions') }}") == reads("FROM {{ ref('scores.publish') }}") == published
    assert published[0].name == "scores.predictions"


def test_without_an_alias_a_step_of_another_pipeline_goes_by_its_own_name() -> None:
    text = "FROM {{ ref('scores.predictions') }}, {{ history('scores.v2.prepare', days=2) }}"
    bound = compiled(text, facts=SHOP).bind(VALUES, lambda _: "(Q)")
    assert bound == 'FROM (Q) AS "predictions", (Q) AS "prepare"'


def test_two_steps_never_have_the_same_fingerprint() -> None:
    others = {name: {"": ("b_c", "b__c", "c", "v1_c"), "v1": ("c",)} for name in ("a", "a_b", "a__b")}
    facts = replace(FACTS, others=others, pipelines=tuple(others))
    names = ("a.b_c", "a_b.c", "a.b__c", "a__b.c", "a.c", "a.v1.c", "a.v1_c", "a_b.v1.c")
    texts = [f"FROM {{{{ ref('{name}') }}}} x" for name in names]
    texts += [f"FROM {{{{ history('{name}', days=1) }}}} x" for name in names]
    assert len({compiled(text, facts=facts).fingerprint for text in texts}) == len(texts)


def test_a_relation_is_found_on_the_line_that_asks_for_it() -> None:
    query = compiled("SELECT 1\nFROM {{ ref('extract') }}\nJOIN {{ ref('scores.prepare') }} USING (k)", facts=SHOP)
    assert query.place_of(OtherRef("scores", "", "prepare")) == ("pipelines/ltv/prepare.sql", 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "SELECT 1\nFROM {{ ref('score.prepare') }}",
            "prepare.sql:2  ref('score.prepare'): no such pipeline   did you mean 'scores.prepare'?",
        ),
        (
            "FROM {{ ref('scores.prepar') }}",
            "prepare.sql:1  ref('scores.prepar'): no such step (there is prepare, label, predict, predictions)"
            "   did you mean 'scores.prepare'?",
        ),
        (
            "FROM {{ history('scores.v2.prediction', days=3) }}",
            "prepare.sql:1  history('scores.v2.prediction'): no such step (there is prepare, label, predict, "
            "predictions)   did you mean 'scores.v2.predictions'?",
        ),
        (
            "FROM {{ ref('scores.v3.prepare') }}",
            "prepare.sql:1  ref('scores.v3.prepare'): scores has no version v3 (there is v1, v2)",
        ),
        (
            "FROM {{ ref('ltv.prepare') }}",
            "prepare.sql:1  ref('ltv.prepare') is a step of this pipeline: it goes by its own name"
            "   did you mean 'prepare'?",
        ),
        (
            "FROM {{ ref('ltv.v2.extract') }}",
            "prepare.sql:1  ref('ltv.v2.extract') is a step of this pipeline: it goes by its own name"
            "   did you mean 'extract'?",
        ),
        (
            "FROM {{ ref('scores.post_process') }}",
            "prepare.sql:1  ref('scores.post_process'): candidates are nobody else's business"
            "   did you mean 'scores.predictions'?",
        ),
        (
            "FROM {{ ref('scores.validation') }}",
            "prepare.sql:1  ref('scores.validation'): it leaves no table that a step could read"
            "   did you mean 'scores.predictions'?",
        ),
        (
            "FROM {{ ref('scores.label') }}",
            "prepare.sql:1  ref('scores.label'): prepare cannot know the label, which closes after the horizon",
        ),
        (
            "FROM {{ ref('a.b.c.d') }}",
            "prepare.sql:1  ref('a.b.c.d'): write pipeline.step, or pipeline.v2.step   did you mean 'a.predictions'?",
        ),
        (
            "FROM {{ ref('scores.') }}",
            "prepare.sql:1  ref('scores.'): write pipeline.step, or pipeline.v2.step"
            "   did you mean 'scores.predictions'?",
        ),
        ("FROM {{ history('scores.prepare', days=0) }}", "prepare.sql:1  history(): days is 0, but"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_the_nearest_spelling(text: str, said: str) -> None:
    assert refused(text).startswith(said)


@pytest.mark.parametrize("step", ["label", "training", "helper"])
def test_where_outcomes_are_known_the_label_of_another_pipeline_may_be_read(step: str) -> None:
    """Of an intermediate step it is seen later, over all steps, whether only labels use it."""
    assert reads("FROM {{ ref('scores.label') }}", step) == (OtherRef("scores", "", "label"),)


def test_the_history_of_a_label_holds_closed_ones_and_may_be_read_anywhere() -> None:
    assert reads("FROM {{ history('scores.label', days=90) }}") == (OtherHistory("scores", "", "label", 90),)
