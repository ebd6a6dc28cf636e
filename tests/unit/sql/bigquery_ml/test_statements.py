"""What CREATE, DROP, ALTER and EXPORT MODEL say, and what they say when they are wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from augury.errors import SpecError
from augury.sql.bigquery_ml.statements import (
    AlterModel,
    CreateModel,
    DropModel,
    ExportModel,
    is_statement,
    read_statement,
)
from augury.sql.bigquery_ml.values import Candidates, Expression, Range

WHOLE = """\
-- the model of the shop
create or replace model `my-project.shop`.churn
  TRANSFORM(ML.STANDARD_SCALER(age) OVER() AS age, churned)
  OPTIONS(MODEL_TYPE = 'logistic_reg', input_label_cols = ['churned'],
    l1_reg = HPARAM_RANGE(0, 1.5), l2_reg = HPARAM_CANDIDATES([0.1, 1]))
AS
  SELECT age, churned -- a comment; with a semicolon
  FROM shop.customers;
"""


def test_a_whole_statement() -> None:
    statement = read_statement(WHOLE)
    assert isinstance(statement, CreateModel)
    assert statement.name.parts == ("my-project", "shop", "churn")
    assert (statement.replace, statement.if_not_exists) == (True, False)
    assert statement.transform is not None
    assert statement.transform.text == "ML.STANDARD_SCALER(age) OVER() AS age, churned"
    assert statement.query is not None
    assert (
        " ".join(statement.query.text.split())
        == "SELECT age, churned -- a comment; with a semicolon FROM shop.customers"
    )
    assert {given.name: given.value for given in statement.options} == {
        "model_type": "logistic_reg",
        "input_label_cols": ["churned"],
        "l1_reg": Range(0, 1.5),
        "l2_reg": Candidates((0.1, 1)),
    }


def test_parts_that_are_sql_keep_their_place_in_the_file() -> None:
    statement = read_statement(WHOLE)
    assert isinstance(statement, CreateModel)
    assert statement.query is not None
    assert statement.query.line == 7
    written = WHOLE.splitlines()
    for number, line in enumerate(statement.query.sql.splitlines()):
        assert line == (written[number].rstrip(";") if number >= 6 else " " * len(written[number]))


def test_places_of_options() -> None:
    statement = read_statement(WHOLE)
    assert isinstance(statement, CreateModel)
    assert [(given.name, given.line, given.column) for given in statement.options][1:3] == [
        ("input_label_cols", 4, 40),
        ("l1_reg", 5, 5),
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'it\\'s\\n\\x41\\u00e9\\101'", "it's\nAéA"),
        ('"two"', "two"),
        ("r'\\d'", "\\d"),
        ("'''three\n'quoted' lines'''", "three\n'quoted' lines"),
        ("-1.5e3", -1500.0),
        ("+7", 7),
        ("0x1F", 31),
        (".5", 0.5),
        ("true", True),
        ("NULL", None),
        ("[]", []),
        ("ARRAY<STRING>['a', 'b']", ["a", "b"]),
        ("[STRUCT('yes', 0.2), STRUCT('no' AS a, 1 AS b)]", [{"_1": "yes", "_2": 0.2}, {"a": "no", "b": 1}]),
        ("STRUCT<a INT64, b ARRAY<STRING>>(1, ['x'])", {"_1": 1, "_2": ["x"]}),
        ("(1, 0, 2)", {"_1": 1, "_2": 0, "_3": 2}),
        ("DATE '2024-02-29'", date(2024, 2, 29)),
        ("DATETIME '2024-02-29 10:00:00'", datetime(2024, 2, 29, 10)),  # noqa: DTZ001
        ("TIMESTAMP '2024-02-29 10:00:00 UTC'", datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ("f(CURRENT_TIMESTAMP(), INTERVAL 7 DAY)", Expression("f(CURRENT_TIMESTAMP(), INTERVAL 7 DAY)")),
        ("1 + 1", Expression("1 + 1")),
    ],
)
def test_values(written: str, value: Any) -> None:
    statement = read_statement(f"CREATE MODEL m OPTIONS(a = {written}, b = 1)")
    assert isinstance(statement, CreateModel)
    assert [given.value for given in statement.options] == [value, 1]


def test_the_other_statements() -> None:
    dropped = read_statement("DROP MODEL IF EXISTS d.m;;")
    assert isinstance(dropped, DropModel)
    assert (dropped.name.parts, dropped.if_exists) == (("d", "m"), True)
    altered = read_statement("ALTER MODEL d.m SET OPTIONS(description='new', labels=[('a', 'b')])")
    assert isinstance(altered, AlterModel)
    assert [(given.name, given.value) for given in altered.options] == [
        ("description", "new"),
        ("labels", [{"_1": "a", "_2": "b"}]),
    ]
    exported = read_statement("EXPORT MODEL `d.m` OPTIONS(uri='file:///tmp/m')")
    assert isinstance(exported, ExportModel)
    assert exported.options[0].value == "file:///tmp/m"


def test_models_of_files_and_of_other_places() -> None:
    imported = read_statement(
        "CREATE MODEL m INPUT(f1 FLOAT64, f2 ARRAY<STRUCT<a INT64, b STRING>>) OUTPUT(`out` STRING) "
        "OPTIONS(model_type='xgboost', model_path='gs://b/m.bst')"
    )
    assert isinstance(imported, CreateModel)
    assert imported.inputs == (("f1", "FLOAT64"), ("f2", "ARRAY<STRUCT<A INT64, B STRING>>"))
    assert imported.outputs == (("out", "STRING"),)
    remote = read_statement("CREATE MODEL m REMOTE WITH CONNECTION `p.us.c` OPTIONS(endpoint='x')")
    assert isinstance(remote, CreateModel)
    assert remote.remote is not None


def test_training_data_with_holidays() -> None:
    statement = read_statement(
        "CREATE MODEL m OPTIONS(model_type='arima_plus') AS (training_data AS (SELECT 1 AS x), "
        "custom_holiday AS (SELECT 'US' AS region))"
    )
    assert isinstance(statement, CreateModel)
    assert statement.query is not None
    assert statement.query.text == "SELECT 1 AS x"
    assert statement.holidays is not None
    assert statement.holidays.text == "SELECT 'US' AS region"


def test_what_is_a_statement() -> None:
    assert is_statement(WHOLE)
    assert is_statement("/* x */ DROP MODEL")
    assert not is_statement("SELECT 'CREATE MODEL m'")
    assert not is_statement("CREATE TABLE model AS SELECT 1")
    assert not is_statement("")


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("", "the file has no SQL (column 1)"),
        ("-- nothing", "the file has no SQL (column 1)"),
        ("CREATE TABLE t AS SELECT 1", "MODEL is expected here, not 'TABLE' (column 8)"),
        ("CREATE MODEL", "a name is expected here, not the end (column 13)"),
        ("CREATE MODEL a.b.c.d AS SELECT 1", "a model is called model, dataset.model or project.dataset.model"),
        ("CREATE MODEL a. OPTIONS() AS SELECT 1", "a name is expected behind ., not 'OPTIONS'"),
        ("CREATE MODEL m", None),
        ("CREATE OR REPLACE MODEL IF NOT EXISTS m AS SELECT 1", "OR REPLACE and IF NOT EXISTS exclude each other"),
        ("CREATE MODEL m OPTIONS(a=1", "( is never closed (column 23)"),
        ("CREATE MODEL m OPTIONS(a=1]", "] closes nothing (column 27)"),
        ("CREATE MODEL m OPTIONS(a='x) AS SELECT 1", "what begins with ' here never ends (column 26)"),
        ("CREATE MODEL m OPTIONS(a=1 b=2)", "a comma is expected here, not 'b' (column 28)"),
        ("CREATE MODEL m OPTIONS(a=)", "a value is expected here, not the end (column 26)"),
        ("CREATE MODEL m OPTIONS(a=1, A=2)", "the option a is given twice (column 29)"),
        ("CREATE MODEL m OPTIONS() OPTIONS()", "OPTIONS is written twice (column 26)"),
        ("CREATE MODEL m WHATEVER() AS SELECT 1", "TRANSFORM, OPTIONS or AS is expected here, not 'WHATEVER'"),
        ("CREATE MODEL m TRANSFORM() AS SELECT 1", "there is nothing between the parentheses"),
        ("CREATE MODEL m INPUT(a) OPTIONS()", "the type of a is expected here"),
        ("CREATE MODEL m OPTIONS() AS", "a query is expected here"),
        ("CREATE MODEL m OPTIONS() AS DELETE FROM t", "a SELECT is expected here, not 'DELETE' (column 29)"),
        ("CREATE MODEL m AS SELECT 1; DROP MODEL m", "a second statement: write one statement per file (column 29)"),
        ("DROP MODEL m, n", "not expected: ',' (column 13)"),
        ("ALTER MODEL m SET TBLPROPERTIES()", "SET OPTIONS is expected here"),
        ("EXPORT MODEL m", "OPTIONS is expected here, not the end"),
        ("CREATE MODEL m OPTIONS(a=HPARAM_RANGE(2, 1))", "HPARAM_RANGE is written HPARAM_RANGE(smallest, largest)"),
        ("CREATE MODEL m OPTIONS(a=HPARAM_CANDIDATES(1))", "HPARAM_CANDIDATES is written HPARAM_CANDIDATES([value"),
        ("CREATE MODEL m OPTIONS(a=DATE 'soon')", "'soon' is no DATE"),
        ("TRUNCATE MODEL m", "CREATE MODEL, DROP MODEL, ALTER MODEL or EXPORT MODEL is expected here"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(sql: str, problem: str | None) -> None:
    if problem is None:
        read_statement(sql)
        return
    with pytest.raises(SpecError) as caught:
        read_statement(sql, "pipelines/shop/train.sql")
    assert problem in str(caught.value)
    assert caught.value.problems[0].file == "pipelines/shop/train.sql"
    assert caught.value.problems[0].line == 1


def test_all_options_that_cannot_be_read_are_said_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        read_statement("CREATE MODEL m OPTIONS(\n  a = ,\n  b = 1 2,\n  c = 3,\n  c = 4)\nAS SELECT 1")
    assert [problem.line for problem in caught.value.problems] == [2, 3, 5]


@pytest.mark.parametrize("name", ["`../../etc/passwd`", "`a\\nb`", "`a b`", "`'; DROP TABLE t`", "`a..b`", "``", "`é`"])
def test_hostile_names(name: str) -> None:
    with pytest.raises(SpecError, match=r"name|called"):
        read_statement(f"CREATE MODEL {name} AS SELECT 1")


def test_a_query_nested_deeply() -> None:
    sql = f"CREATE MODEL m AS SELECT {'(' * 5000}1{')' * 5000}"
    statement = read_statement(sql)
    assert isinstance(statement, CreateModel)
    assert statement.query is not None
    with pytest.raises(SpecError, match="closes nothing"):
        read_statement(sql + ")")


def test_values_nested_deeply() -> None:
    with pytest.raises(SpecError, match="nested more than 50 deep"):
        read_statement(f"CREATE MODEL m OPTIONS(a = {'[' * 5000}{']' * 5000})")
