"""Models are created, asked, changed and dropped in BigQuery's SQL."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest

from augury.errors import DataRefused, QueryRefused, SpecError, UsageError
from tests.contract.bigquery_ml.room import SCALED, TRAIN, Room


def test_a_model_is_trained_and_predicts(room: Room) -> None:
    change = room.session.execute(TRAIN)
    assert (change.did, change.name, change.model_type, change.rows) == ("created", ("d", "m"), "linear_reg", 100)
    found = room.rows("SELECT * FROM ML.PREDICT(MODEL `d.m`, (SELECT id, a, b FROM d.t WHERE id < 3)) ORDER BY id")
    assert found == [
        {"predicted_y": 5.0, "id": 0, "a": 0.0, "b": 0},
        {"predicted_y": 7.0, "id": 1, "a": 1.0, "b": 1},
        {"predicted_y": 9.0, "id": 2, "a": 2.0, "b": 2},
    ]


def test_an_answer_is_a_relation_like_any_other(room: Room) -> None:
    room.session.execute(TRAIN)
    found = room.rows(
        "WITH p AS (SELECT id, predicted_y FROM ML.PREDICT(MODEL d.m, TABLE d.t) AS x WHERE x.id BETWEEN 1 AND 3)\n"
        "SELECT l.id, r.predicted_y - l.predicted_y AS step, w.weight\n"
        "FROM p AS l JOIN p AS r ON r.id = l.id + 1 CROSS JOIN ML.WEIGHTS(MODEL d.m) AS w ORDER BY 1"
    )
    assert found == [{"id": 1, "step": 2.0, "weight": 5.0}, {"id": 2, "step": 2.0, "weight": 5.0}]


def test_a_call_sees_the_with_clauses_around_it_and_other_calls(room: Room) -> None:
    room.session.execute(TRAIN)
    found = room.rows(
        "WITH off AS (SELECT a, b, y + 2 AS y FROM d.t), "
        "again AS (SELECT a, b, predicted_y AS y FROM ML.PREDICT(MODEL d.m, TABLE off))\n"
        "SELECT e.mean_absolute_error AS off, f.mean_absolute_error AS kept, g.mean_absolute_error AS again "
        "FROM ML.EVALUATE(MODEL d.m, TABLE off) e, ML.EVALUATE(MODEL d.m) f, ML.EVALUATE(MODEL d.m, TABLE again) g"
    )
    assert found == [{"off": 2.0, "kept": 0.0, "again": 0.0}]


def test_transform_is_learnt_once_and_applied_for_ever(room: Room) -> None:
    room.session.execute(SCALED)
    sql = "SELECT * FROM ML.PREDICT(MODEL d.m, (SELECT id, a, b FROM d.t WHERE id < 2)) ORDER BY id"
    before = room.rows(sql)
    assert [row["predicted_y"] for row in before] == pytest.approx(
        [before[0]["predicted_y"], before[0]["predicted_y"] + 10 / 9]
    )
    assert before[1] == {"predicted_y": before[1]["predicted_y"], "id": 1, "a": 1.0, "b": 1}
    # Other rows in the same question would change a scaler that learnt again.
    poisoned = room.rows(
        "SELECT * FROM ML.PREDICT(MODEL d.m, (SELECT id, a, b FROM d.t WHERE id < 2 UNION ALL SELECT 9, 1e6, 1)) "
        "ORDER BY id LIMIT 2"
    )
    assert poisoned == before
    assert room.rows("SELECT * FROM ML.TRANSFORM(MODEL d.m, (SELECT a, b FROM d.t WHERE id = 9))") == [
        {"a": 1.0, "c": 3}
    ]
    assert room.rows("SELECT * FROM ML.TRANSFORM(MODEL d.m, (SELECT a, b, y FROM d.t WHERE id = 9))") == [
        {"a": 1.0, "c": 3, "y": 16.0}
    ]
    assert room.rows("SELECT * FROM ML.EVALUATE(MODEL d.m, TABLE d.t)") == [
        {
            "mean_absolute_error": pytest.approx(
                room.rows("SELECT * FROM ML.EVALUATE(MODEL d.m)")[0]["mean_absolute_error"]
            )
        }
    ]


def test_transform_only(room: Room) -> None:
    room.session.execute(
        "CREATE MODEL d.t_only TRANSFORM(ML.MAX_ABS_SCALER(a) OVER() AS a) OPTIONS(model_type='transform_only') "
        "AS SELECT a FROM d.t"
    )
    assert room.rows("SELECT * FROM ML.TRANSFORM(MODEL d.t_only, (SELECT 18.0 AS a))") == [{"a": 2.0}]
    with pytest.raises(UsageError, match=r"ML.PREDICT is not for models of type transform_only"):
        room.rows("SELECT * FROM ML.PREDICT(MODEL d.t_only, TABLE d.t)")


def test_functions_of_values_work_beside_models(room: Room) -> None:
    room.session.execute(TRAIN)
    found = room.rows(
        "SELECT ML.BUCKETIZE(predicted_y, [6, 8]) AS bucket, COUNT(*) AS n\n"
        "FROM ML.PREDICT(MODEL d.m, (SELECT * FROM d.t WHERE id < 3)) GROUP BY 1 ORDER BY 1"
    )
    assert found == [{"bucket": "bin_1", "n": 1}, {"bucket": "bin_2", "n": 1}, {"bucket": "bin_3", "n": 1}]


def test_a_query_without_models_is_bigquery_sql_too(room: Room) -> None:
    assert room.rows("SELECT SAFE_DIVIDE(1, 0) AS x, `id` FROM `d.t` WHERE id = 5") == [{"x": None, "id": 5}]


def test_feature_info(room: Room) -> None:
    room.connection.execute(
        "CREATE TABLE f AS SELECT * FROM (VALUES (1.0, 'x', true, 1.0), (2.0, 'y', NULL, 1.0), "
        "(NULL, 'x', false, 1.0), (6.0, NULL, false, 1.0)) AS v(n, s, o, y)"
    )
    room.session.execute(
        "CREATE MODEL d.f TRANSFORM(n, LENGTH(s) AS l, IF(o, 1, 0) AS o, y) "
        "OPTIONS(model_type='linear_reg', input_label_cols=['y']) AS SELECT n, s, o, y FROM f"
    )
    nothing = dict.fromkeys(("min", "max", "mean", "median", "stddev", "dimension"))
    assert room.rows("SELECT * FROM ML.FEATURE_INFO(MODEL d.f)") == [
        {
            **nothing,
            "input": "n",
            "min": 1.0,
            "max": 6.0,
            "mean": 3.0,
            "median": 2.0,
            "stddev": pytest.approx(7**0.5),
            "category_count": None,
            "null_count": 1,
        },
        {**nothing, "input": "s", "category_count": 2, "null_count": 1},
        {**nothing, "input": "o", "category_count": 2, "null_count": 1},
    ]


def test_columns_are_known_without_running(room: Room) -> None:
    room.session.execute(SCALED)
    described = room.session.describe(
        "SELECT predicted_y AS p, id FROM ML.PREDICT(MODEL d.m, (SELECT 1 / CAST(id AS FLOAT64) AS a, b, id FROM d.t))"
    )
    assert described == pa.schema([("p", pa.float64()), ("id", pa.int64())])


def test_creating_again(room: Room) -> None:
    plain = TRAIN.replace("OR REPLACE ", "")
    room.session.execute(plain)
    with pytest.raises(UsageError, match=r"there is already a model called d.m"):
        room.session.execute(plain)
    with pytest.raises(UsageError, match="there is already a model"):
        # Before the query is run, which may take long.
        room.session.execute(plain.replace("SELECT a", "SELECT nonsense"))
    kept = room.session.execute(plain.replace("MODEL", "MODEL IF NOT EXISTS", 1).replace("SELECT a", "SELECT nonsense"))
    assert kept.did == "kept"
    before = room.session.model(("d", "m"))
    replaced = room.session.execute(TRAIN.replace("a, b, y", "a, y"))
    assert replaced.did == "replaced"
    after = room.session.model(("d", "m"))
    assert before is not None
    assert after is not None
    assert ([name for name, _ in before.features], [name for name, _ in after.features]) == (["a", "b"], ["a"])


def test_a_training_that_fails_leaves_the_model_as_it_was(room: Room) -> None:
    room.session.execute(TRAIN)
    before = room.session.models()
    for wrong in ("SELECT a, y FROM t WHERE FALSE", "SELECT a, nope FROM t", "SELECT a, y AS z FROM t"):
        with pytest.raises((DataRefused, QueryRefused, SpecError)):
            room.session.execute(TRAIN.replace("SELECT a, b, y FROM t", wrong))
    assert room.session.models() == before
    (folder,) = (room.folder / "models").glob("*-*")
    assert sorted(path.name for path in folder.iterdir()) == sorted(["manifest.json", before[0].version])


def test_dropping(room: Room) -> None:
    room.session.execute(TRAIN)
    assert room.session.execute("DROP MODEL d.m").did == "dropped"
    assert room.session.models() == ()
    assert room.session.execute("DROP MODEL IF EXISTS d.m").did == "absent"
    with pytest.raises(UsageError, match=r"there is no model called d.m"):
        room.session.execute("DROP MODEL d.m")
    assert list((room.folder / "models").glob("*/**")) == []


def test_altering_and_expiring(room: Room) -> None:
    room.session.execute(TRAIN)
    room.session.execute("ALTER MODEL d.m SET OPTIONS(description='shops', labels=[('team', 'x')], friendly_name='M')")
    room.session.execute(
        "ALTER MODEL d.m SET OPTIONS(expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR))"
    )
    found = room.session.model(("d", "m"))
    assert found is not None
    assert (found.description, found.tags, found.friendly_name) == ("shops", {"team": "x"}, "M")
    room.now += timedelta(hours=2)
    assert room.session.models() == ()
    with pytest.raises(UsageError, match=r"there is no model called d.m"):
        room.rows("SELECT * FROM ML.WEIGHTS(MODEL d.m)")
    assert room.session.execute("ALTER MODEL IF EXISTS d.m SET OPTIONS(description='x')").did == "absent"
    # An expired model is in nobody's way.
    assert room.session.execute(TRAIN.replace("OR REPLACE ", "")).did in ("created", "replaced")


def test_models_outlive_the_session_and_are_named_with_care(room: Room) -> None:
    for name in ("m", "d.m", "D.m", "`my-project.d.m`", "d." + "long" * 200):
        room.session.execute(TRAIN.replace("d.m", name))
    again = room.opened()
    assert len(again.models()) == 5
    assert {path.resolve().parent for path in (room.folder / "models").iterdir()} == {
        (room.folder / "models").resolve()
    }
    with again.read("SELECT * FROM ML.WEIGHTS(MODEL `D.m`)") as reader:
        assert reader.read_all().num_rows == 1
