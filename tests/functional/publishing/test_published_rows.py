"""What do readers see before, while and after a date is published (B, C, J2, J3, K1, K5, K6, K9, BB1)?"""

from __future__ import annotations

import pytest

from augury.events import DateFinished, StepFinished
from tests.functional.publishing.checks import validated
from tests.projects import SPENT, Shop, day, outcomes, within

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
