"""From candidate to published: validation, what readers see, archive, hooks, limits (J, K, L, BB1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from augury.errors import UsageError
from augury.events import DateFinished, StepFinished
from augury.run.checks import ChecksFailed
from tests.projects import SPENT, Shop, day, outcomes, within

ORDERS = (("ann", "2026-01-01", 10), ("bob", "2026-01-02", 20), ("cid", "2026-01-03", 30))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Every customer so far is published with what they spent."""
    return Shop.at(tmp_path / "shop").orders(*ORDERS).pipeline(prepare=SPENT)


def validated(shop: Shop, checks: str) -> Shop:
    return shop.write("pipelines/ltv/validation.sql", checks)


def held_by(shop: Shop, start: str) -> list[tuple[str, str]]:
    """The checks that kept a date from being published, each with its value."""
    (outcome,) = shop.run("ltv", start).outcomes
    assert str(outcome.status) == "held"
    assert isinstance(outcome.error, ChecksFailed)
    return [(check.name, check.value) for check in outcome.error.failed]


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


# -- what readers see ----------------------------------------------------------------------------------------


def test_the_last_good_partition_stays_until_a_new_one_passed_k1_k5(shop: Shop) -> None:
    shop.run("ltv", "2026-01-04")
    before = shop.published("ltv", "2026-01-04", everything=True)
    validated(shop, "select false as never from {{ staging() }} limit 1")
    shop.edit("pipelines/ltv/prepare.sql", "sum(amount)", "max(amount) * 2")
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "held"}
    assert shop.published("ltv", "2026-01-04", everything=True) == before
    assert shop.table("ltv_predictions", "2026-01-04", everything=True) == before


def test_steps_end_in_publishing_after_validation_k1_k9(shop: Shop) -> None:
    shop.run("ltv", "2026-01-04")
    told = [event.step for event in shop.events if isinstance(event, StepFinished)]
    assert told == ["prepare", "post_process", "validate", "publish", "archive"]


def test_what_was_rejected_is_kept_to_be_looked_at_and_the_next_run_just_works_k6(shop: Shop) -> None:
    validated(shop, "select sum(spent) > 1000 as enough from {{ staging() }}")
    shop.run("ltv", "2026-01-04")
    rejected = shop.query(
        "select customer_id, spent from ltv_predictions_staging where run_date = '2026-01-04' order by all"
    )
    assert rejected == [
        {"customer_id": "ann", "spent": 10},
        {"customer_id": "bob", "spent": 20},
        {"customer_id": "cid", "spent": 30},
    ]
    for _ in range(2):
        assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "held"}
    validated(shop, "select sum(spent) > 10 as enough from {{ staging() }}")
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "succeeded"}
    assert [row["spent"] for row in shop.published("ltv", "2026-01-04")] == [10, 20, 30]


def test_a_date_that_fails_half_way_leaves_the_published_one_alone_k5(shop: Shop) -> None:
    shop.run("ltv", "2026-01-04")
    before = shop.published("ltv", "2026-01-04", everything=True)
    shop.write(
        "pipelines/ltv/post_process.sql",
        "select customer_id, 1 / (spent - spent) > totl as x from {{ ref('prepare') }}",
    )
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "failed"}
    assert shop.published("ltv", "2026-01-04", everything=True) == before


def test_rows_say_which_version_run_and_time_made_them_b9_b14_r6(shop: Shop) -> None:
    result = shop.run("ltv", "2026-01-04")
    (row, *_) = shop.query("select * from ltv_predictions order by customer_id")
    assert list(row)[:1] == ["run_date"]
    assert (row["version"], row["run_id"], row["predicted_at"]) == ("v1", result.run_id, shop.now)


def test_several_value_columns_of_declared_types_b3_c1(shop: Shop) -> None:
    values = ", ".join(f"(spent * {at})::varchar as value{at}" for at in range(1, 6))
    shop.write("pipelines/ltv/post_process.sql", f"select customer_id, {values} from {{{{ ref('prepare') }}}}")
    declared = ", ".join(f"value{at}: FLOAT64 REQUIRED" for at in range(1, 6))
    shop.pipeline(settings=f"steps: {{post_process: {{columns: {{{declared}}}}}}}", prepare=SPENT)
    (outcome,) = shop.run("ltv", "2026-01-04").outcomes
    assert str(outcome.status) == "failed"
    shop.edit("pipelines/ltv/post_process.sql", "::varchar", "::double")
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "succeeded"}
    assert shop.published("ltv", "2026-01-02") == []
    assert shop.published("ltv", "2026-01-04")[0] == {
        "customer_id": "ann", **{f"value{at}": 10.0 * at for at in range(1, 6)}
    }  # fmt: skip


# -- formulas and hooks --------------------------------------------------------------------------------------


def test_formulas_take_their_thresholds_from_variables_and_targets_may_differ_j2_j3(shop: Shop) -> None:
    shop.write(
        "augury.yml",
        "name: shop\nsources: {orders: {path: data/orders.csv, event_time: ordered_at}}\n"
        "vars: {high: 15}\ntargets: {dev: {}, prod: {vars: {high: 25}}}\n",
    )
    shop.write(
        "pipelines/ltv/post_process.sql",
        "select customer_id, case when spent > {{ var('high') }} then 2 else 1 end as bid from {{ ref('prepare') }}",
    )
    bids = {}
    for target in ("dev", "prod"):
        with shop.open(target=target) as project:
            project.run("ltv", within("2026-01-04"))
            with project.query("select customer_id, bid from ltv_predictions order by 1") as reader:
                bids[target] = [row["bid"] for row in reader.read_all().to_pylist()]
    assert bids == {"dev": [1, 2, 2], "prod": [1, 1, 2]}


def test_formulas_in_sql_and_in_python_say_the_same_j2(shop: Shop) -> None:
    shop.write(
        "pipelines/ltv/post_process.sql", "select customer_id, spent * 2.0::double as value from {{ ref('prepare') }}"
    )
    shop.run("ltv", "2026-01-04")
    in_sql = shop.published("ltv", "2026-01-04")
    (shop.root / "pipelines/ltv/post_process.sql").unlink()
    shop.write(
        "pipelines/ltv/hooks.py",
        """\
        import pyarrow as pa

        def post_process(prepare: pa.Table):
            value = pa.array([float(each) * 2.0 for each in prepare["spent"].to_pylist()])
            return pa.table({"customer_id": prepare["customer_id"], "value": value})
        """,
    )
    shop.run("ltv", "2026-01-04")
    assert shop.published("ltv", "2026-01-04") == in_sql
    assert [row["value"] for row in in_sql] == [20.0, 40.0, 60.0]


LOOKS = """\
import json, os
from datetime import UTC, datetime
from augury.dates import DateRange
from augury.project import Project

def on_completed(context):
    with Project.open(os.path.dirname(__file__), environment={}) as project:
        where = f"where run_date = '{context.run_date}'"
        with project.query(f"select count(*) as n from ltv_predictions {where}") as reader:
            rows = reader.read_all().to_pylist()[0]["n"]
    with open(context.vars["calls"], "a") as file:
        file.write(f"{context.run_date} {rows} {context.event.status} {context.event.rows}\\n")
"""


def looking(shop: Shop, hooks: str = LOOKS, **steps: str) -> Path:
    """The project with hooks; the file into which they write."""
    calls = shop.root / "calls.txt"
    shop.pipeline(settings=f"vars: {{calls: {calls}}}", prepare=SPENT, hooks=hooks, **steps)
    return calls


def test_on_completed_is_called_once_per_date_after_the_table_is_visible_j6(shop: Shop) -> None:
    """Also on the very first run, and also through the name that consumers read."""
    calls = looking(shop)
    result = shop.run("ltv", "2026-01-03", "2026-01-05")
    assert not result.failures
    assert calls.read_text().splitlines() == ["2026-01-03 2 succeeded 2", "2026-01-04 3 succeeded 3"]
    shop.run("ltv", "2026-01-03", "2026-01-05")
    assert len(calls.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("hook", "step", "sql", "status"),
    [
        ("on_held", "validation", "select false as never from {{ staging() }} limit 1", "held"),
        ("on_failed", "post_process", "select totl from {{ ref('prepare') }}", "failed"),
    ],
)
def test_each_outcome_has_its_hook_j6(shop: Shop, hook: str, step: str, sql: str, status: str) -> None:
    said = "from pathlib import Path\n" + "".join(
        f"def {name}(context):\n    Path(context.vars['calls']).write_text(f'{name} {{context.event.status}}')\n"
        for name in ("on_completed", "on_held", "on_failed")
    )
    calls = looking(shop, said, **{step: sql})
    shop.run("ltv", "2026-01-04")
    assert calls.read_text() == f"{hook} {status}"


def test_a_hook_that_fails_takes_nothing_back_and_is_named_j6(shop: Shop) -> None:
    looking(shop, "def on_completed(context):\n    raise OSError('no route to host')\n")
    result = shop.run("ltv", "2026-01-04")
    assert outcomes(result) == {"2026-01-04": "succeeded"}
    assert [error.what for error in result.failures] == ["hook on_completed raised OSError"]
    assert len(shop.published("ltv", "2026-01-04")) == 3


def test_a_listener_that_fails_breaks_nothing(shop: Shop) -> None:
    def broken(event: object) -> None:
        raise RuntimeError("a terminal went away")

    shop.listeners.append(broken)
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "succeeded"}


# -- archive -------------------------------------------------------------------------------------------------


def archived(shop: Shop) -> list[tuple[str, str, str]]:
    rows = shop.query("select run_date, customer_id, version from ltv_archive order by all")
    return [(str(row["run_date"]), row["customer_id"], row["version"]) for row in rows]


def test_a_published_date_is_archived_once_however_often_it_is_run_l2(shop: Shop) -> None:
    for _ in range(2):
        shop.run("ltv", "2026-01-02", "2026-01-04", reprocess="all")
    assert archived(shop) == [
        ("2026-01-02", "ann", "v1"),
        ("2026-01-03", "ann", "v1"),
        ("2026-01-03", "bob", "v1"),
    ]


def test_a_date_that_was_held_is_not_archived_l2(shop: Shop) -> None:
    validated(shop, "select {{ run_date }} <> date '2026-01-03' as fine")
    shop.run("ltv", "2026-01-02", "2026-01-05")
    assert {at for at, _, _ in archived(shop)} == {"2026-01-02", "2026-01-04"}


def test_a_new_column_does_not_break_the_archive_l3(shop: Shop) -> None:
    shop.run("ltv", "2026-01-02")
    shop.edit("pipelines/ltv/prepare.sql", "sum(amount) as spent", "sum(amount) as spent, max(amount) as largest")
    shop.run("ltv", "2026-01-03")
    rows = shop.query("select run_date, customer_id, largest from ltv_archive order by all")
    assert [(str(row["run_date"]), row["customer_id"], row["largest"]) for row in rows] == [
        ("2026-01-02", "ann", None),
        ("2026-01-03", "ann", 10),
        ("2026-01-03", "bob", 20),
    ]


def test_only_the_current_version_is_archived_and_the_archive_outlives_it_l2_h1(shop: Shop) -> None:
    shop.pipeline(version="v2", prepare=SPENT.replace("sum(amount)", "sum(amount) + 1000"))
    shop.run("ltv", "2026-01-02")
    shop.run("ltv", "2026-01-02", version="v2")
    assert archived(shop) == [("2026-01-02", "ann", "v1")]
    with shop.open() as project:
        project.set_version("ltv", "v2")
    shop.run("ltv", "2026-01-03", version="v1")
    shop.run("ltv", "2026-01-03")
    assert archived(shop) == [
        ("2026-01-02", "ann", "v1"),
        ("2026-01-03", "ann", "v2"),
        ("2026-01-03", "bob", "v2"),
    ]
    assert {row["version"] for row in shop.table("ltv_predictions", everything=True)} == {"v2"}
    assert len(shop.published("ltv", "2026-01-02", version="v1")) == 1


def test_a_version_that_skips_a_date_leaves_what_another_archived_l2(shop: Shop) -> None:
    """v2 finds nobody on the 2nd: v1's rows of that date are history and stay."""
    shop.pipeline(version="v2", prepare=SPENT, filter="select customer_id from {{ ref('prepare') }} where spent > 15")
    shop.run("ltv", "2026-01-02")
    shop.run("ltv", "2026-01-03", version="v2")
    with shop.open() as project:
        project.set_version("ltv", "v2")
    assert outcomes(shop.run("ltv", "2026-01-02")) == {"2026-01-02": "skipped: no population"}
    assert archived(shop) == [("2026-01-02", "ann", "v1")]


def test_a_retired_version_keeps_its_data_h4(shop: Shop) -> None:
    shop.pipeline(version="v2", prepare=SPENT)
    shop.run("ltv", "2026-01-02", version="v2")
    for file in sorted((shop.root / "pipelines/ltv/v2").iterdir()):
        file.unlink()
    (shop.root / "pipelines/ltv/v2").rmdir()
    with pytest.raises(UsageError, match="no version 'v2'"):
        shop.run("ltv", "2026-01-03", version="v2")
    assert len(shop.published("ltv", "2026-01-02", version="v2")) == 1


def test_archiving_can_be_turned_off_l2(shop: Shop) -> None:
    shop.pipeline(settings="archive: false", prepare=SPENT)
    shop.run("ltv", "2026-01-02")
    assert "ltv_archive" not in {table.name for table in shop.tables()}


# -- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "named"), [("time: 0.001s", "limits.time"), ("memory: 1MB", "limits.memory")])
def test_a_limit_is_refused_before_anything_is_published_bb1(shop: Shop, limit: str, named: str) -> None:
    shop.run("ltv", "2026-01-04")
    before = shop.published("ltv", "2026-01-04", everything=True)
    shop.pipeline(settings=f"limits: {{{limit}}}", prepare=SPENT)
    result = shop.run("ltv", "2026-01-04", reprocess="all")
    assert (outcomes(result), int(result.exit_code)) == ({"2026-01-04": "refused"}, 4)
    assert named in result.outcomes[0].detail
    assert shop.published("ltv", "2026-01-04", everything=True) == before


def test_a_date_that_stays_inside_its_limits_says_what_it_took_bb1(shop: Shop) -> None:
    shop.pipeline(settings="limits: {time: 60s, memory: 4GB}", prepare=SPENT)
    result = shop.run("ltv", "2026-01-04")
    assert outcomes(result) == {"2026-01-04": "succeeded"}
    (run,) = shop.runs()
    assert run.peak_memory == result.peak_memory > 10_000_000
    assert 0 < result.seconds < 60


def test_every_date_ends_with_one_event(shop: Shop) -> None:
    shop.run("ltv", "2026-01-01", "2026-01-05", max_parallel=2)
    ended = [str(event.run_date) for event in shop.events if isinstance(event, DateFinished)]
    assert sorted(ended) == ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]
    assert shop.dates()[day("2026-01-01")].status.value == "skipped: empty"
