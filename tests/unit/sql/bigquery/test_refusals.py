"""What is refused, and how does the message help?"""

from __future__ import annotations

import pytest

from augury.errors import SpecError
from augury.sql.bigquery import to_duckdb


def _message(sql: str) -> str:
    with pytest.raises(SpecError) as refusal:
        to_duckdb(sql)
    (problem,) = refusal.value.problems
    assert problem.line is not None
    return str(problem)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "there is no SQL"),
        ("  -- only a comment\n", "there is no SQL"),
        (";", "there is no SQL"),
        ("SELECT", "a SELECT without columns"),
        ("SELECT (1", "'(' is never closed (line 1, column 8)"),
        ("SELECT 1)", "')' closes nothing (line 1, column 9)"),
        ("SELECT [1)", "')' closes nothing"),
        ("SELECT 'abc", "does not end"),
        ("SELECT 1 FROM", "it ends too early"),
        ("SELECT\n  1;\nSELECT 2", "more than one statement"),
        ("DROP TABLE x", "'DROP': only a SELECT"),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "not one SELECT"),
        ("CREATE TABLE t AS SELECT 1", "only a SELECT"),
        (
            "SELECT\n  a,\n  DAT_SUB(d, INTERVAL 1 DAY)\nFROM t",
            "DAT_SUB() is no function of BigQuery that is known here",
        ),
        ("SELECT '\\q'", "is no escape sequence"),
        ("SELECT '\x00'", "a NUL character"),
        ("SELECT '\\000'", "a NUL character"),
        ("SELECT a::INT64 FROM t", ":: is not of BigQuery"),
        ("SELECT * FROM 'file.csv'", "a string is no table"),
        ("SELECT * FROM read_csv('x')", "READ_CSV() is no function"),
        ("SELECT a FROM t SEMI JOIN u USING (a)", "SEMI JOIN is not of BigQuery"),
        ("SELECT x FROM t |> WHERE x", "pipe syntax"),
        ("SELECT IF(a, b) FROM t", "IF() takes 3 arguments, not 2"),
        ("SELECT DATE_SUB(d, 5) FROM t", "takes an interval such as INTERVAL 7 DAY"),
        ("SELECT DATE_DIFF(a, b, FORTNIGHT) FROM t", "needs a part such as DAY"),
        ("SELECT EXTRACT(EPOCH FROM d) FROM t", "no such part"),
        ("SELECT UPPER(a) OVER () FROM t", "no aggregate and no window function"),
        ("SELECT SAFE.SUM(a) FROM t", "functions of one row only"),
        ("SELECT CAST(a AS GEOGRAPHY) FROM t", "no such type here"),
        ("SELECT BY(a) FROM t", "BY() is no function"),
        ("SELECT a[OFFSET()] FROM t", "OFFSET() is no function"),
        ("SELECT `shop.my_function`(a) FROM t", "is a function of your own"),
        ("SELECT shop.my_function(a) FROM t", "SHOP.MY_FUNCTION() is no function"),
        ("SELECT __augury_f(a) FROM t", "is no function"),
        ("SELECT ML.PREDICT(a) FROM t", "ML.PREDICT() is no function"),
    ],
)
def test_the_message_says_what_and_where(sql: str, message: str) -> None:
    assert message in _message(sql)


def test_the_nearest_name_and_the_line() -> None:
    with pytest.raises(SpecError) as refusal:
        to_duckdb("SELECT\n  a,\n  DAT_SUB(d, INTERVAL 1 DAY)\nFROM t")
    (problem,) = refusal.value.problems
    assert (problem.line, problem.suggestion) == (3, "DATE_SUB")
    assert "line 3, column 3" in problem.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 200 + "1" + ")" * 200,
        "SELECT " + "ABS(" * 200 + "1" + ")" * 200,
        "SELECT " + "CASE WHEN TRUE THEN " * 150 + "1" + " END" * 150,
        "SELECT " + "NOT " * 800 + "TRUE",
        "SELECT * FROM " + "(SELECT * FROM " * 200 + "t" + ")" * 200,
    ],
    ids=["parentheses", "calls", "cases", "nots", "subqueries"],
)
def test_deep_nesting_is_a_message(sql: str) -> None:
    assert "nested too deeply" in _message(sql)


def test_deep_nesting_is_shown_where_it_begins() -> None:
    with pytest.raises(SpecError, match=r"nested too deeply.*\(line 3, column 41\)") as refusal:
        to_duckdb("SELECT\n  a,\n" + "(" * 60 + "1" + ")" * 60)
    assert refusal.value.problems[0].line == 3


def test_long_queries_are_translated() -> None:
    columns = ",\n".join(f"column_number_{number} AS c{number}" for number in range(4_000))
    sql = f"SELECT {columns} FROM t"
    assert len(sql) > 100_000
    translated = to_duckdb(sql)
    assert len(translated.lines) == translated.sql.count("\n") + 1
    assert translated.lines[-1] == 4_000
    assert len(to_duckdb(" UNION ALL ".join(["SELECT 1 AS x"] * 300)).sql) > 300 * 10


def test_names_from_outside_stay_names() -> None:
    sql = 'SELECT `a"b`, `x; DROP TABLE t`, `new\nline`, t.`it\'s` FROM `we"ird`.`ta;ble` AS t'
    translated = to_duckdb(sql).sql
    for name in ('"a""b"', '"x; DROP TABLE t"', '"new\nline"', '"it\'s"', '"we""ird"."ta;ble"'):
        assert name in translated


@pytest.mark.parametrize(
    "verb", ["DELETE FROM t", "insert into t values (1)", "UPDATE t SET a = 1", "MERGE t USING s ON 1"]
)
def test_nothing_inside_a_select_writes(verb: str) -> None:
    shown = _message(f"WITH x AS (\n{verb}) SELECT 1")
    assert "in a SELECT: only a SELECT can be translated (line 2, column 1)" in shown
