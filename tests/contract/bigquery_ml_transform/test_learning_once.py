"""What TRANSFORM learnt from the training rows stays what it is, whatever is predicted later."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pyarrow as pa
import pytest

from augury.sql.bigquery_ml.transform import read_transform
from tests.contract.bigquery_ml_transform.room import Room, sparse, values

TRAINING = """(SELECT unnest([1, 2, 3, 4, 5]) AS x, unnest(['a', 'a', 'b', 'b', 'b']) AS c,
    unnest([['p'], ['p', 'q'], ['q'], ['p'], NULL]) AS d)"""
OTHERS = """(SELECT unnest([1000, 1, NULL]) AS x, unnest(['zz', 'a', NULL]) AS c,
    unnest([['new', 'p'], [NULL], NULL]) AS d)"""

POISONABLE: dict[str, list[Any]] = {
    "ML.STANDARD_SCALER(x) OVER ()": [997 / sqrt(2.5), -2 / sqrt(2.5), None],
    "ML.MIN_MAX_SCALER(x) OVER ()": [1.0, 0.0, None],
    "ML.MAX_ABS_SCALER(x) OVER ()": [200.0, 0.2, None],
    "ML.ROBUST_SCALER(x) OVER ()": [498.5, -1.0, None],
    "ML.QUANTILE_BUCKETIZE(x, 2) OVER ()": ["bin_2", "bin_1", None],
    "ML.IMPUTER(x, 'mean') OVER ()": [1000.0, 1.0, 3.0],
    "ML.IMPUTER(x, 'median') OVER ()": [1000.0, 1.0, 3.0],
    "ML.IMPUTER(c, 'most_frequent') OVER ()": ["zz", "a", "b"],
    "ML.LABEL_ENCODER(c, 10, 0) OVER ()": [0, 1, 0],
    "ML.ONE_HOT_ENCODER(c, 'most_frequent', 10, 0) OVER ()": [sparse({0: 1.0}), sparse({1: 1.0}), sparse({0: 1.0})],
    "ML.MULTI_HOT_ENCODER(d, 10, 0) OVER ()": [sparse({0: 1.0, 1: 1.0}), sparse({0: 1.0}), []],
    "ML.BAG_OF_WORDS(d, 10, 0) OVER ()": [sparse({0: 1.0, 1: 1.0}), sparse({0: 1.0}), []],
}


@pytest.mark.parametrize("expression", POISONABLE)
def test_rows_to_predict_teach_nothing(room: Room, expression: str) -> None:
    assert room.column(expression, TRAINING, OTHERS) == POISONABLE[expression]


@pytest.mark.parametrize("expression", [*POISONABLE, "ML.TF_IDF(d, 10, 0) OVER ()"])
def test_a_row_alone_gets_what_it_got_among_others(room: Room, expression: str) -> None:
    bound = room.learn(f"{expression} AS out", TRAINING)
    together = room.rows(bound.select_sql(TRAINING))
    alone = [room.rows(bound.select_sql(f"(SELECT * FROM {TRAINING} LIMIT 1 OFFSET {at})"))[0] for at in range(5)]
    assert alone == together


def test_no_statistic_is_asked_of_the_rows_to_predict(room: Room) -> None:
    clause = ", ".join(f"{expression} AS o{at}" for at, expression in enumerate(POISONABLE))
    sql = room.learn(clause, TRAINING).select_sql("rows_to_predict").lower()
    assert "over" not in sql.split()
    for aggregate in ("avg(", "quantile_disc(", "stddev_samp(", "histogram(", "count(", "min(", "max("):
        assert aggregate not in sql


def test_one_query_learns_for_all_functions(room: Room) -> None:
    clause = ", ".join(f"{expression} AS o{at}" for at, expression in enumerate(POISONABLE))
    row = room.transformed(clause, TRAINING)[0]
    assert [row[f"o{at}"] for at in range(len(POISONABLE))] == [
        room.column(expression, TRAINING)[0] for expression in POISONABLE
    ]


def test_columns_may_be_called_as_anything_inside_of_the_sql(room: Room) -> None:
    names = ("s", "t", "i", "e", "v", "n", "d", "x", "o", "f", "w", "c", "rows", "a0", "order")
    quoted = ", ".join(f"['p', 'q'] AS \"{name}\"" for name in names)
    room.connection.execute(f"CREATE TABLE strange AS SELECT {quoted}")
    clause = ", ".join(f"ML.BAG_OF_WORDS(`{name}`, 9, 0) OVER () AS `{name}`" for name in names)
    assert room.transformed(clause, "strange") == [{name: sparse({1: 1.0, 2: 1.0}) for name in names}]
    for name in names:
        select = f"ML.TF_IDF(`{name}`, 9, 0) OVER ()"
        assert room.selected(select, "strange") == room.column(select, "strange")


def test_functions_take_functions_of_one_row_and_the_other_way_round(room: Room) -> None:
    rows = values("x", ["1", "2", "3", "NULL"])
    outer = "ML.BUCKETIZE(ML.MIN_MAX_SCALER(x) OVER (), [0.25, 0.75])"
    assert room.column(outer, rows) == room.selected(outer, rows) == ["bin_1", "bin_2", "bin_3", None]
    inner = "ML.LABEL_ENCODER(ML.BUCKETIZE(x, [2]), 10, 0) OVER ()"
    assert room.column(inner, rows) == room.selected(inner, rows) == [1, 2, 2, 0]
    among = "ROUND(10 * (ML.STANDARD_SCALER(x) OVER () + 1))"
    assert room.column(among, rows) == room.selected(among, rows) == [0, 10, 20, None]


def test_the_same_rows_teach_the_same_bits_in_any_order(room: Room) -> None:
    """As threads would bring them."""
    room.connection.execute("CREATE TABLE many AS SELECT sin(range) * exp(range % 20) AS x FROM range(5000)")
    sql = read_transform("ML.STANDARD_SCALER(x) OVER () AS x").fit_sql("many")
    assert sql is not None
    learnt = set()
    for order in ("x", "x DESC", "abs(x)", "hash(x)"):
        (row,) = room.rows(sql.replace("FROM many", f"FROM (SELECT * FROM many ORDER BY {order})"))
        learnt.add((row["s0_mean"], row["s0_spread"]))
    assert len(learnt) == 1
    (found,) = learnt
    plain = room.rows("SELECT favg(x) AS mean, stddev_samp(x) AS spread FROM many")[0]
    assert found == (pytest.approx(plain["mean"], rel=1e-12), pytest.approx(plain["spread"], rel=1e-12))


@pytest.mark.parametrize("size", [1e-250, 1e-9, 1e9, 1e150])
def test_numbers_of_any_size_are_scaled(room: Room, size: float) -> None:
    rows = f"(SELECT unnest([1, 2, 3, 4, 5]) * {size!r} AS x)"
    assert room.column("ML.STANDARD_SCALER(x) OVER ()", rows) == pytest.approx(
        [each / sqrt(2.5) for each in (-2, -1, 0, 1, 2)], abs=1e-12
    )


def test_the_training_rows_are_read_once(room: Room) -> None:
    clause = (
        "ML.STANDARD_SCALER(x) OVER () AS x, ML.LABEL_ENCODER(c, 9, 0) OVER () AS c, ML.TF_IDF(d, 9, 0) OVER () AS d"
    )
    sql = read_transform(clause).fit_sql("stream")
    assert sql is not None
    rows = room.connection.sql(f"SELECT * FROM {TRAINING}").to_arrow_table()
    room.connection.register("stream", pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches()))
    assert room.rows(sql) == room.rows(sql.replace("FROM stream", f"FROM {TRAINING}"))
