"""Which ML functions a SELECT calls, in all the ways that they are written."""

from __future__ import annotations

import re

import pytest

from augury.errors import SpecError
from augury.sql.bigquery_ml.queries import MlQuery, is_ml, read_query


def words(sql: str) -> str:
    return re.sub(r"\s*,\s*", ", ", " ".join(sql.split()))


def only(query: MlQuery) -> MlQuery:
    """The rows of the only call."""
    (call,) = query.calls
    assert call.rows is not None
    return call.rows


@pytest.mark.parametrize(
    ("argument", "rows"),
    [
        ("TABLE `p.d.t`", "SELECT * FROM `p.d.t`"),
        ("TABLE d.t", "SELECT * FROM d.t"),
        ("table my-project.d.t", "SELECT * FROM my-project.d.t"),
        ("(SELECT * FROM t WHERE a = ')')", "SELECT * FROM t WHERE a = ')'"),
        ("((SELECT 1) UNION ALL (SELECT 2))", "(SELECT 1) UNION ALL (SELECT 2)"),
        ("(WITH a AS (SELECT 1) SELECT * FROM a)", "WITH a AS (SELECT 1) SELECT * FROM a"),
    ],
)
def test_what_a_call_may_be_given(argument: str, rows: str) -> None:
    query = read_query(f"SELECT * FROM ML.PREDICT(MODEL `d.m`, {argument}) AS p")
    assert words(query.text) == "SELECT * FROM __augury_1_predict AS p"
    assert query.calls[0].model.parts == ("d", "m")
    assert words(only(query).text) == rows


def test_settings() -> None:
    query = read_query(
        "SELECT * FROM ml . detect_anomalies(MODEL m, STRUCT(0.02 AS contamination, TRUE AS `flag`), TABLE t)"
    )
    (call,) = query.calls
    assert call.function == "detect_anomalies"
    assert [(given.name, given.value) for given in call.settings] == [("contamination", 0.02), ("flag", True)]
    assert call.rows is not None


def test_thresholds_of_a_roc_curve() -> None:
    written = read_query("SELECT * FROM ML.ROC_CURVE(MODEL m, TABLE t, [0.1, 0.9])")
    generated = read_query("SELECT * FROM ML.ROC_CURVE(MODEL m, TABLE t, GENERATE_ARRAY(0.25, 1, 0.25))")
    assert written.calls[0].settings[0].value == [0.1, 0.9]
    assert generated.calls[0].settings[0].name == "thresholds"
    assert generated.calls[0].settings[0].value == [0.25, 0.5, 0.75, 1.0]


def test_several_calls_with_joins_and_aliases() -> None:
    query = read_query(
        "SELECT a.x, b.x FROM ML.PREDICT(MODEL m, TABLE t) a\n"
        "LEFT JOIN ML.PREDICT(MODEL n, TABLE u) AS b USING (id), ML.WEIGHTS(MODEL m)\n"
        "WHERE EXISTS (SELECT 1 FROM ML.EVALUATE(MODEL m) WHERE r2_score > 0.5)"
    )
    assert [str(call.model) for call in query.calls] == ["m", "n", "m", "m"]
    assert words(query.text) == (
        "SELECT a.x, b.x FROM __augury_1_predict a LEFT JOIN __augury_2_predict AS b USING (id), __augury_3_weights "
        "WHERE EXISTS (SELECT 1 FROM __augury_4_evaluate WHERE r2_score > 0.5)"
    )


def test_a_call_within_a_call() -> None:
    query = read_query(
        "SELECT * FROM ML.EVALUATE(MODEL m, (SELECT *, 1 AS one FROM ML.PREDICT(MODEL n, (SELECT * FROM t))))"
    )
    inner = only(query)
    assert words(inner.text) == "SELECT *, 1 AS one FROM __augury_2_predict"
    assert words(only(inner).text) == "SELECT * FROM t"


def test_an_argument_takes_the_with_clauses_along_that_it_mentions() -> None:
    query = read_query(
        "WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a), unused AS (SELECT 3)\n"
        "SELECT * FROM ML.PREDICT(MODEL m, (SELECT * FROM b))"
    )
    rows = only(query)
    assert words(rows.text) == ("WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a) SELECT * FROM b")
    assert rows.text.splitlines()[1].index("SELECT * FROM b") == len("SELECT * FROM ML.PREDICT(MODEL m, (")
    assert words(only(read_query("WITH a AS (SELECT 1) SELECT * FROM ML.PREDICT(MODEL m, TABLE a)")).text) == (
        "WITH a AS (SELECT 1) SELECT * FROM a"
    )


def test_with_clauses_join_and_hide_one_another() -> None:
    joined = read_query(
        "WITH RECURSIVE n AS (SELECT 1) SELECT * FROM "
        "ML.PREDICT(MODEL m, (/* own */ WITH own AS (SELECT 2) SELECT * FROM own, n))"
    )
    assert words(only(joined).text) == ("WITH RECURSIVE n AS (SELECT 1), own AS (SELECT 2) SELECT * FROM own, n")
    hidden = read_query(
        "WITH a AS (SELECT 'outer') SELECT * FROM ("
        "WITH a AS (SELECT 'inner') SELECT * FROM ML.PREDICT(MODEL m, TABLE a))"
    )
    assert "inner" in only(hidden).text
    assert "outer" not in only(hidden).text


def test_a_name_that_is_built_on_an_outer_one_of_the_same_name_is_refused() -> None:
    with pytest.raises(SpecError, match="a is built on another a"):
        read_query(
            "WITH a AS (SELECT 1 AS x) SELECT * FROM ("
            "WITH a AS (SELECT x + 1 AS x FROM a) SELECT * FROM ML.PREDICT(MODEL m, TABLE a))"
        )


def test_a_with_clause_of_another_branch_stays_there() -> None:
    query = read_query(
        "SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) JOIN ML.PREDICT(MODEL m, (SELECT * FROM a)) USING (x)"
    )
    assert words(only(query).text) == "SELECT * FROM a"


def test_a_call_inside_a_with_clause_that_another_call_uses() -> None:
    query = read_query(
        "WITH p AS (SELECT * FROM ML.PREDICT(MODEL m, TABLE t)) SELECT * FROM ML.EVALUATE(MODEL n, (SELECT * FROM p))"
    )
    first, second = query.calls
    assert (first.function, second.function) == ("predict", "evaluate")
    assert second.rows is not None
    assert [str(call.model) for call in second.rows.calls] == ["m"]
    assert second.rows.calls[0].placeholder not in (first.placeholder, second.placeholder)


def test_lines_stay_those_of_the_file() -> None:
    query = read_query("SELECT *\nFROM ML.PREDICT(\n  MODEL m,\n  (SELECT\n    x\n  FROM t)\n)\nWHERE x > 1")
    assert query.text.splitlines().index("WHERE x > 1") == 7
    assert query.calls[0].line == 2
    assert only(query).text.splitlines().index("    x") == 4


def test_functions_of_values_stay_in_the_text() -> None:
    sql = "SELECT ML.BUCKETIZE(x, [1, 2]) AS b FROM t"
    assert read_query(sql) == MlQuery(sql)
    assert is_ml(sql)


def test_what_is_no_ml() -> None:
    for sql in ("SELECT 'ML.PREDICT(' AS x", "SELECT 1 -- ML.PREDICT(", "SELECT ml.x, `ML`.PREDICT(1) FROM ml", ""):
        assert not is_ml(sql)
        assert read_query(sql) == MlQuery(sql)
    assert not is_ml("SELECT a.ml.predict(1)")


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT * FROM ML.PREDCT(MODEL m, TABLE t)", "no function ML.PREDCT (column 15)   did you mean 'ML.PREDICT'?"),
        (
            "SELECT * FROM ML.GENERATE_TEXT(MODEL m, TABLE t)",
            "ML.GENERATE_TEXT is not available: it calls a model that",
        ),
        ("SELECT AI.GENERATE('x')", "AI.GENERATE is not available"),
        ("SELECT ML.PREDICT(MODEL m, TABLE t)", "ML.PREDICT gives a table: it stands behind FROM or JOIN (column 8)"),
        ("SELECT a, ML.PREDICT(MODEL m, TABLE t) FROM u", "ML.PREDICT gives a table"),
        ("SELECT * FROM ML.PREDICT(`m`, TABLE t)", "ML.PREDICT begins with MODEL and a name, not '`m`' (column 26)"),
        ("SELECT * FROM ML.PREDICT(MODEL m)", "ML.PREDICT needs rows: TABLE `name`, or a query in parentheses"),
        (
            "SELECT * FROM ML.PREDICT(MODEL m, SELECT 1 AS x)",
            "a query in parentheses, and STRUCT(value AS name), not 'SEL",
        ),
        ("SELECT * FROM ML.PREDICT(MODEL m, t)", "takes TABLE `name`, a query in parentheses, and STRUCT"),
        ("SELECT * FROM ML.PREDICT(MODEL m, (INSERT INTO t SELECT 1))", "a SELECT is expected here, not 'INSERT'"),
        ("SELECT * FROM ML.PREDICT(MODEL m, TABLE t, TABLE u)", "ML.PREDICT takes one table or query (column 44)"),
        ("SELECT * FROM ML.WEIGHTS(MODEL m, TABLE t)", "ML.WEIGHTS is asked of the model alone: it takes no rows"),
        ("SELECT * FROM ML.PREDICT(MODEL m, TABLE t, STRUCT(0.5))", "each value of the STRUCT needs a name"),
        ("SELECT * FROM ML.PREDICT(MODEL m, TABLE t, STRUCT(x AS y))", "y is a literal, not 'x'"),
        ("SELECT * FROM ML.PREDICT(MODEL m, TABLE t, STRUCT(1 AS a, 2 AS a))", "a is given twice"),
        ("SELECT * FROM ML.PREDICT(MODEL `a/b`, TABLE t)", "'a/b' cannot be part of a model's name"),
        ("SELECT * FROM ML.ROC_CURVE(MODEL m, TABLE t, GENERATE_ARRAY(0, 1, 0))", "GENERATE_ARRAY is written"),
        ("SELECT * FROM ML.ROC_CURVE(MODEL m, TABLE t, GENERATE_ARRAY(0, 1e9))", "more than 100000 values"),
        ("SELECT * FROM ML.PREDICT(MODEL m, TABLE t", "( is never closed (column 25)"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(sql: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_query(sql, "predict.sql")
    assert problem in str(caught.value)
    assert str(caught.value.problems[0]).startswith("predict.sql:1")


def test_all_calls_that_are_wrong_are_said_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        read_query("SELECT * FROM ML.PREDICT(MODEL m),\nML.NOTHING(MODEL m),\nML.WEIGHTS(MODEL m, TABLE t, STRUCT(1))")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 3]


def test_calls_nested_deeply() -> None:
    sql = "SELECT 1"
    for _ in range(40):
        sql = f"SELECT * FROM ML.PREDICT(MODEL m, ({sql}))"
    depth, query = 0, read_query(sql)
    while query.calls:
        depth, query = depth + 1, only(query)
    assert depth == 40
    for _ in range(300):
        sql = f"SELECT * FROM ML.PREDICT(MODEL m, ({sql}))"
    with pytest.raises(SpecError, match="nested more than 50 deep"):
        read_query(sql)
