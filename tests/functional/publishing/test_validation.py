"""Does a date go out only where every check is true, against the last one that did (K2-K4)?"""

from __future__ import annotations

import pytest

from augury.events import StepFinished
from tests.functional.publishing.checks import held_by, validated
from tests.projects import Shop, outcomes

# -- checks are strict ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [("false", "false"), ("null", "NULL"), ("null::boolean", "NULL"), ("0", "0"), ("1", "1"), ("'true'", "true")],
)
def test_whatever_is_not_true_holds_and_is_named_k2(shop: Shop, value: str, said: str) -> None:
    validated(shop, f"select true as fine, {value} as my_check, count(*) > 0 as also_fine from {{{{ staging() }}}}")
    assert held_by(shop, "2026-01-04") == [("my_check", said)]
    assert shop.published("ltv", "2026-01-04") == []


def test_every_failing_check_is_named_with_its_figure_k2(shop: Shop) -> None:
    validated(shop, "select count(*) > 5 as enough, max(spent) < 10 as small, true as fine from {{ staging() }}")
    assert held_by(shop, "2026-01-04") == [("enough", "false"), ("small", "false")]
    (outcome,) = shop.run("ltv", "2026-01-04").outcomes
    assert "3" in str(outcome.error)
    assert "max(spent) is 30" in str(outcome.error)


@pytest.mark.parametrize(
    ("checks", "count"),
    [
        ("select true as fine from {{ staging() }} where spent > 1000", "no row"),
        ("select true as fine from {{ staging() }}", "more than one row"),
    ],
)
def test_exactly_one_row_is_needed_k2(shop: Shop, checks: str, count: str) -> None:
    validated(shop, checks)
    (outcome,) = shop.run("ltv", "2026-01-04").outcomes
    assert (str(outcome.status), outcome.detail) == (
        "held", f"validation.sql returned {count}; exactly one is needed"
    )  # fmt: skip
    assert shop.published("ltv", "2026-01-04") == []


def test_a_held_date_exits_3_and_a_query_that_cannot_run_exits_1(shop: Shop) -> None:
    validated(shop, "select false as never from {{ staging() }} limit 1")
    assert int(shop.run("ltv", "2026-01-04").exit_code) == 3
    validated(shop, "select count(totl) > 0 as some from {{ staging() }}")
    result = shop.run("ltv", "2026-01-04")
    assert (outcomes(result), int(result.exit_code)) == ({"2026-01-04": "failed"}, 1)
    (outcome,) = result.outcomes
    assert outcome.error is not None
    assert outcome.error.where.source == "pipelines/ltv/validation.sql:1"


def test_a_person_may_accept_a_check_and_that_is_recorded_k2(shop: Shop) -> None:
    validated(shop, "select count(*) > 5 as enough, count(*) > 1 as some from {{ staging() }}")
    assert outcomes(shop.run("ltv", "2026-01-04", accept=["some"])) == {"2026-01-04": "held"}
    assert outcomes(shop.run("ltv", "2026-01-04", accept=["enough"])) == {"2026-01-04": "succeeded"}
    with shop.open() as project:
        accepted = project._reading.ledger.decisions("ltv", actions=["accept"])
    assert [(each.subject, str(each.effective_from), bool(each.who)) for each in accepted] == [
        ("enough", "2026-01-04", True)
    ]


# -- against what is published -------------------------------------------------------------------------------


RELATIVE = """\
select
    count(*) < 3 or (select count(*) from {{ published() }}) > 0 as never_against_nothing,
    (select max(run_date) from {{ published() }}) <= {{ run_date }} as not_from_the_future,
    abs(sum(spent) - (select sum(spent) from {{ published() }})) <= __ as moved_little
from {{ staging() }}
"""


def test_a_first_run_passes_relative_checks_against_itself_and_is_not_exposed_before_k4(shop: Shop) -> None:
    """The candidate is compared with itself; where it fails nobody sees it, and nothing is compared with it."""
    validated(shop, RELATIVE.replace("__", "0 and sum(spent) > 1000"))
    assert held_by(shop, "2026-01-03") == [("moved_little", "false")]
    assert "ltv_predictions" not in {table.name for table in shop.tables()}
    validated(shop, RELATIVE.replace("__", "0"))
    assert outcomes(shop.run("ltv", "2026-01-03")) == {"2026-01-03": "succeeded"}
    assert held_by(shop, "2026-01-04") == [("moved_little", "false")]


def test_a_rejected_candidate_is_never_the_baseline_k3_k4(shop: Shop) -> None:
    """2 January is rejected; 3 January is compared with the 1st... which is the latest that was published."""
    shop.orders(("ann", "2026-01-01", 10), ("bob", "2026-01-02", 1000), ("bob", "2026-01-03", -995))
    validated(shop, RELATIVE.replace("__", "10"))
    result = shop.run("ltv", "2026-01-02", "2026-01-05")
    assert outcomes(result) == {"2026-01-02": "succeeded", "2026-01-03": "held", "2026-01-04": "succeeded"}


def test_publishing_follows_the_dates_while_predicting_does_not_wait_k3(shop: Shop) -> None:
    """Each date is compared with the one before it, however many run side by side."""
    shop.orders(*((f"c{at}", f"2026-01-{at:02}", 1) for at in range(1, 12)))
    validated(shop, RELATIVE.replace("__", "1"))
    result = shop.run("ltv", "2026-01-02", "2026-01-12", max_parallel=4)
    assert set(outcomes(result).values()) == {"succeeded"}
    published = [str(e.run_date) for e in shop.events if isinstance(e, StepFinished) and e.step == "publish"]
    assert published == sorted(published)
