"""What a TRANSFORM clause gives: names, order, columns that it reads, and a value that JSON can hold."""

from __future__ import annotations

import json

import pytest

from augury.sql.bigquery_ml.transform import BoundTransform, read_transform
from augury.sql.bigquery_ml.transform_queries import rewrite_scalar, translate


def bound(text: str, *columns: str) -> BoundTransform:
    return read_transform(text).bind(None, columns)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("*", ("a", "b", "Label")),
        ("* EXCEPT (A, label)", ("b",)),
        ("* REPLACE (b + 1 AS b)", ("a", "b", "Label")),
        ("* EXCEPT (a) REPLACE (b + 1 AS b), a AS z", ("b", "Label", "z")),
        ("label, A,", ("label", "A")),
        ("`a`, b AS `strange name`", ("a", "strange name")),
        ("a + 1 c, CASE WHEN a > 1 THEN 2 END d, -a AS e", ("c", "d", "e")),
        ("a -- the first\n, /* the second */ b", ("a", "b")),
    ],
)
def test_outputs_have_the_names_and_the_order_of_the_list(text: str, names: tuple[str, ...]) -> None:
    assert bound(text, "a", "b", "Label").names == names


def test_it_is_known_which_columns_are_read_and_which_only_pass() -> None:
    transform = bound(
        "label, ML.BUCKETIZE(a * B, [1]) AS x, DATE_DIFF(d, DATE '2026-01-01', DAY) AS y, s.f.g AS z, 7 AS k",
        *("a", "b", "d", "s", "Label"),
    )
    assert {each.name: (each.inputs, each.passed) for each in transform.outputs} == {
        "label": (("Label",), True),
        "x": (("a", "b"), False),
        "y": (("d",), False),
        "z": (("s",), False),
        "k": ((), False),
    }
    assert transform.needs() == ("Label", "a", "b", "d", "s")
    assert transform.needs(["x", "y"]) == ("a", "b", "d")


def test_some_outputs_stand_beside_the_input_under_other_names() -> None:
    transform = bound("label, a AS x, b", "a", "b", "label")
    assert transform.select_sql('"rows"', keep=["a", 'q"'], names={"x": "__augury_x"}) == (
        'SELECT "a", "q""", "a" AS "__augury_x" FROM "rows" AS __augury_input'
    )


def test_nothing_is_asked_where_nothing_is_learnt() -> None:
    assert read_transform("a, ML.BUCKETIZE(b, [1]) AS b").fit_sql("t") is None
    assert read_transform("ML.MAX_ABS_SCALER(b) OVER () AS b").fit_sql("t") is not None


def test_what_was_learnt_survives_json() -> None:
    transform = read_transform("ML.STANDARD_SCALER(a) OVER () AS a, ML.LABEL_ENCODER(b, 9, 0) OVER () AS b")
    learnt = {"s0_mean": 0.1, "s0_spread": 1 / 3, "s1_words": ["é", "'"]}
    before = transform.bind(learnt, ["a", "b"])
    after = BoundTransform.from_dict(json.loads(json.dumps(before.as_dict())))
    assert after == before
    assert after.select_sql("t") == before.select_sql("t")
    assert "0.3333333333333333e0" in after.select_sql("t")


def test_lines_of_a_query_stay_where_they_are() -> None:
    sql = "-- first\nSELECT\n  ML.BUCKETIZE(\n    x,\n    [1,\n     2]\n  ) AS b,\n  wrong\nFROM t"
    rewritten = rewrite_scalar(sql)
    assert rewritten.sql.count("\n") == sql.count("\n")
    assert rewritten.sql.split("\n")[7] == "  wrong"
    assert rewritten.sql.startswith("-- first\nSELECT\n")


def test_lines_stay_where_they_are_on_the_way_back() -> None:
    rewritten = rewrite_scalar("SELECT ML.MIN_MAX_SCALER(x) OVER () AS y, wrong FROM t")
    translated = "SELECT\n  COALESCE(__augury_ml_0_0,\n  (x\n + 1), __augury_ml_0_1) AS y,\n  wrong\nFROM t"
    restored = rewritten.restore(translated)
    assert restored.split("\n")[5:] == ["FROM t"]
    assert restored.split("\n")[4] == "  wrong"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'ML.BUCKETIZE(x)' AS a",
        "SELECT 1 AS a -- ML.BUCKETIZE(x)",
        "SELECT a.ml.bucketize FROM a",
        "SELECT ml.x FROM ml",
        "SELECT 1",
    ],
)
def test_what_calls_nothing_is_left_alone(sql: str) -> None:
    rewritten = rewrite_scalar(sql)
    assert rewritten.sql == sql
    assert rewritten.calls == ()
    assert rewritten.restore("SELECT 1") == "SELECT 1"


def test_letter_case_and_white_space_do_not_matter() -> None:
    sql = translate("SELECT ml . Bucketize ( x , [1] ) AS b FROM t").sql
    assert "'bin_2'" in sql
    assert "augury" not in sql


def test_values_of_users_are_literals_only() -> None:
    learnt = {"s0_words": ["'); DROP TABLE t; --", "\\'", 'x"']}
    sql = read_transform("ML.LABEL_ENCODER(b, 9, 0) OVER () AS b").bind(learnt, ["b"]).select_sql("t")
    assert "ENUM ('''); DROP TABLE t; --', '\\''', 'x\"')" in sql
