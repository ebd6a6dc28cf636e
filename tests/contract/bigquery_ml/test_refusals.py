"""Questions and statements that cannot be: what is said, and where."""

from __future__ import annotations

import pytest

from augury.errors import ModelFailed, QueryRefused, SpecError, UsageError
from tests.contract.bigquery_ml.room import SCALED, TRAIN, Room


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("a", r"b \(INT64\) is missing"),
        ("'x' AS a, b", "a is STRING, and was FLOAT64 in training"),
    ],
)
def test_rows_that_transform_cannot_take(room: Room, columns: str, problem: str) -> None:
    room.session.execute(SCALED)
    for function in ("PREDICT", "TRANSFORM"):
        with pytest.raises(ModelFailed, match=problem):
            room.rows(f"SELECT * FROM ML.{function}(MODEL d.m, (SELECT {columns} FROM d.t))")
    with pytest.raises(ModelFailed, match=r"is missing|is STRING"):
        room.rows(f"SELECT * FROM ML.EVALUATE(MODEL d.m, (SELECT {columns}, y FROM d.t))")


@pytest.mark.parametrize(
    ("sql", "kind", "problem"),
    [
        (
            "SELECT * FROM ML.PREDICT(MODEL d.n, TABLE t)",
            UsageError,
            "there is no model called d.n\n  Did you mean d.m?",
        ),
        ("SELECT * FROM ML.CENTROIDS(MODEL d.m)", UsageError, "ML.CENTROIDS is not for models of type linear_reg"),
        ("SELECT * FROM ML.TRANSFORM(MODEL d.m, TABLE t)", UsageError, "has no TRANSFORM clause"),
        ("SELECT * FROM ML.PREDICT(MODEL d.m, (SELECT a FROM t))", ModelFailed, r"b (INT64) is missing"),
        ("SELECT * FROM ML.PREDICT(MODEL d.m, (SELECT a, 1 AS bb FROM t))", ModelFailed, "is it called bb?"),
        ("SELECT * FROM ML.PREDICT(MODEL d.m, (SELECT a, 'x' AS b FROM t))", ModelFailed, "b is STRING, and was INT64"),
        ("SELECT * FROM ML.EVALUATE(MODEL d.m, (SELECT a, b FROM t))", ModelFailed, "y (FLOAT64) is missing"),
        ("SELECT * FROM ML.PREDICT(MODEL d.m, TABLE t, STRUCT(1 AS x))", UsageError, "ML.PREDICT has no setting x"),
        (
            "SELECT * FROM ML.FEATURE_INFO(MODEL d.m, STRUCT(1 AS x))",
            UsageError,
            "ML.FEATURE_INFO takes no settings: x",
        ),
        ("SELECT * FROM ML.PREDICT(MODEL d.m, (SELECT nope FROM t))", QueryRefused, "nope"),
        ("SELECT nope FROM ML.PREDICT(MODEL d.m, TABLE t)", QueryRefused, "nope"),
        ("SELECT * FROM nowhere", QueryRefused, "nowhere"),
        ("SELECT * FROM streams", QueryRefused, "Table with name streams does not exist"),
        ("SELECT * FROM ML.WEIGHTS(MODEL d.m); SELECT 1", SpecError, ""),
    ],
)
def test_questions_that_cannot_be_answered(room: Room, sql: str, kind: type[Exception], problem: str) -> None:
    room.session.execute(TRAIN)
    with pytest.raises(kind) as caught:
        room.rows(sql)
    assert problem in str(caught.value)
    with pytest.raises(kind):
        room.session.describe(sql)


@pytest.mark.parametrize(
    "query",
    [
        "WITH x AS (DELETE FROM t) SELECT a, b, y FROM t",
        "WITH x AS (INSERT INTO t SELECT * FROM t) SELECT a, b, y FROM t",
        "SELECT a, b, y FROM t; DROP TABLE t",
        "SELECT a, b, y FROM t UNION ALL (DELETE FROM t)",
    ],
)
def test_nothing_is_written_by_a_query(room: Room, query: str) -> None:
    room.session.execute(TRAIN)
    with pytest.raises((SpecError, UsageError, QueryRefused)):
        room.session.execute(TRAIN.replace("SELECT a, b, y FROM t", query))
    for sql in (query, f"SELECT * FROM ML.PREDICT(MODEL d.m, ({query}))"):
        with pytest.raises((SpecError, UsageError, QueryRefused)):
            room.rows(sql)
    assert room.connection.execute("SELECT COUNT(*) FROM t").fetchall() == [(100,)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("['y']", "['z']"), "input_label_cols names the column 'z', which the training query does not give"),
        (("linear_reg'", "linear_reg', data_split_col='split'"), "data_split_col names the column 'split'"),
        (("linear_reg", "linear_rg"), "did you mean 'linear_reg'"),
    ],
)
def test_statements_that_cannot_be_run(room: Room, change: tuple[str, str], problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        room.session.execute(TRAIN.replace(*change), file="train.sql")
    assert problem in str(caught.value)
    assert caught.value.problems[0].file == "train.sql"
    assert room.session.models() == ()


def test_a_mistake_is_found_on_its_line(room: Room) -> None:
    room.session.execute(TRAIN)
    sql = "SELECT\n  *\nFROM ML.PREDICT(MODEL d.m,\n  (SELECT\n    a,\n    b,\n    wrong\n  FROM t))"
    with pytest.raises(QueryRefused) as caught, room.session.read(sql, file="predict.sql"):
        pass
    assert (caught.value.where.file, caught.value.where.line) == ("predict.sql", 7)
    with (
        pytest.raises(ModelFailed) as failed,
        room.session.read(sql.replace("wrong", "1 AS c").replace("b,", ""), file="p.sql"),
    ):
        pass
    assert (failed.value.where.file, failed.value.where.line) == ("p.sql", 3)


def test_a_model_file_that_was_changed_is_not_used(room: Room) -> None:
    room.session.execute(TRAIN)
    (artifact,) = (room.folder / "models").glob("*/v-*/total.json")
    artifact.write_text(artifact.read_text().replace("5.0", "6.0"))
    with pytest.raises(Exception, match=r"are not those that were written: total.json"):
        room.rows("SELECT * FROM ML.WEIGHTS(MODEL d.m)")
    assert room.session.execute(TRAIN).did == "replaced"
    assert room.rows("SELECT weight FROM ML.WEIGHTS(MODEL d.m)") == [{"weight": 5.0}]


def test_a_damaged_manifest_is_said_so(room: Room) -> None:
    room.session.execute(TRAIN)
    (manifest,) = (room.folder / "models").glob("*/manifest.json")
    manifest.write_text('{"format": 1, "name": ["d"')
    with pytest.raises(Exception, match=r"manifest.json is damaged"):
        room.rows("SELECT * FROM ML.WEIGHTS(MODEL d.m)")
    manifest.write_text('{"format": 99}')
    with pytest.raises(Exception, match="has format 99"):
        room.rows("SELECT * FROM ML.WEIGHTS(MODEL d.m)")
    assert room.session.models() == ()
    assert room.session.execute(TRAIN).did == "created"
    manifest.write_text("{}")
    assert room.session.execute("DROP MODEL d.m").did == "dropped"
