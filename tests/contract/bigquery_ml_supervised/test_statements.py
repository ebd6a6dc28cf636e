"""The same models in SQL, through the session, on DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from augury.bigquery_ml.duckdb_engine import DuckDBEngine
from augury.bigquery_ml.session import Session
from augury.bigquery_ml.store import ModelStore
from augury.bigquery_ml.supervised.options import SUPPORTED
from augury.bigquery_ml.supervised.space import TUNABLE
from augury.errors import AuguryError
from augury.sql.bigquery_ml.catalogue import supported as catalogue


class Tables:
    def table(self, parts: tuple[str, ...]) -> str | None:
        return f'"{parts[-1]}"'

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        return ()


class Room:
    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(
            "CREATE TABLE repos AS SELECT i AS id, (i % 37)::DOUBLE AS size, i % 5 = 0 AS has_wiki, "
            "(i * 7) % 11 AS issues, TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL (i) HOUR AS pushed, "
            "{'stars': i % 13, 'topic': "
            "['ml', 'sql', NULL][i % 3 + 1]} AS meta, 3.0 * (i % 37) - 2.0 * ((i * 7) % 11) + 5 AS forks, "
            "i % 37 > 18 AS popular, i % 4 = 0 AS held FROM range(800) AS r(i)"
        )
        self.session = Session(DuckDBEngine(self.connection, batch_rows=64), ModelStore(folder), tables=Tables())

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.session.read(sql) as reader:
            table = reader.read_all()
        # What a query is said to return is what it returns.
        assert self.session.describe(sql).names == table.schema.names
        found: list[dict[str, Any]] = table.to_pylist()
        return found


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_a_linear_regression_of_forks_is_trained_judged_and_asked(room: Room) -> None:
    room.session.execute(
        "CREATE OR REPLACE MODEL d.forks OPTIONS(MODEL_TYPE='LINEAR_REG', INPUT_LABEL_COLS=['forks'], "
        "DATA_SPLIT_METHOD='CUSTOM', DATA_SPLIT_COL='held') AS SELECT size, has_wiki, issues, forks, held FROM d.repos"
    )

    (figures,) = room.rows("SELECT * FROM ML.EVALUATE(MODEL d.forks)")
    weights = {
        row["processed_input"]: row["weight"]
        for row in room.rows("SELECT processed_input, weight FROM ML.WEIGHTS(MODEL d.forks)")
    }
    predicted = room.rows(
        "SELECT forks, predicted_forks FROM ML.PREDICT(MODEL d.forks, (SELECT * FROM d.repos WHERE held)) ORDER BY id"
    )

    assert figures["r2_score"] == pytest.approx(1.0)
    assert (weights["size"], weights["issues"]) == pytest.approx((3.0, -2.0))
    assert [row["predicted_forks"] for row in predicted] == pytest.approx([float(row["forks"]) for row in predicted])


def test_a_classifier_over_nested_columns_gives_its_probability_by_offset(room: Room) -> None:
    room.session.execute(
        "CREATE MODEL d.popular OPTIONS(model_type='boosted_tree_classifier', input_label_cols=['popular'], "
        "class_weights=[STRUCT('true', 2.0), STRUCT('false', 1.0)]) AS SELECT size, pushed, meta, popular FROM d.repos"
    )

    rows = room.rows(
        "SELECT popular, predicted_popular, predicted_popular_probs[OFFSET(0)].prob AS chance, "
        "predicted_popular_probs[OFFSET(0)].label AS label FROM ML.PREDICT(MODEL d.popular, TABLE d.repos, "
        "STRUCT(0.6 AS threshold))"
    )
    explained = room.rows(
        "SELECT top.feature AS feature, COUNT(*) AS n FROM ML.EXPLAIN_PREDICT(MODEL d.popular, TABLE d.repos, "
        "STRUCT(1 AS top_k_features)), UNNEST(top_feature_attributions) AS top GROUP BY 1 ORDER BY n DESC"
    )

    assert {row["label"] for row in rows} == {True}
    assert all(row["predicted_popular"] == (row["chance"] > 0.6) for row in rows)
    assert sum(row["predicted_popular"] == row["popular"] for row in rows) > 780
    assert (explained[0]["feature"], explained[0]["n"]) == ("size", 800)


def test_tuning_confusion_and_roc_in_sql(room: Room) -> None:
    room.session.execute(
        "CREATE MODEL d.tuned OPTIONS(model_type='logistic_reg', input_label_cols=['popular'], num_trials=3, "
        "l2_reg=HPARAM_RANGE(0, 5), hparam_tuning_objectives=['f1_score']) AS SELECT size, issues, popular FROM d.repos"
    )

    trials = room.rows("SELECT * FROM ML.TRIAL_INFO(MODEL d.tuned) ORDER BY trial_id")
    figures = room.rows("SELECT trial_id, f1_score FROM ML.EVALUATE(MODEL d.tuned)")
    confusion = room.rows("SELECT * FROM ML.CONFUSION_MATRIX(MODEL d.tuned, TABLE d.repos)")
    curve = room.rows("SELECT threshold FROM ML.ROC_CURVE(MODEL d.tuned, TABLE d.repos, GENERATE_ARRAY(0.4, 0.6, 0.1))")

    assert [trial["hparam_tuning_evaluation_metrics"].keys() for trial in trials] == [{"f1_score"}] * 3
    assert [row["trial_id"] for row in figures] == [1, 2, 3]
    assert [row["expected_label"] for row in confusion] == [False, True]
    assert [row["threshold"] for row in curve] == pytest.approx([0.4, 0.5, 0.6])


def test_transform_makes_the_features(room: Room) -> None:
    room.session.execute(
        "CREATE MODEL d.made TRANSFORM(ML.STANDARD_SCALER(size) OVER() AS scaled, "
        "ML.ONE_HOT_ENCODER(meta_topic) OVER() AS topic, forks) "
        "OPTIONS(model_type='linear_reg', input_label_cols=['forks'], "
        "optimize_strategy='normal_equation') AS SELECT size, meta.topic AS meta_topic, forks FROM d.repos"
    )

    inputs = [row["processed_input"] for row in room.rows("SELECT * FROM ML.WEIGHTS(MODEL d.made)")]
    rows = room.rows(
        "SELECT * FROM ML.PREDICT(MODEL d.made, (SELECT id, size, meta.topic AS meta_topic FROM d.repos)) LIMIT 3"
    )

    assert inputs == ["scaled", "topic", "__INTERCEPT__"]
    assert list(rows[0]) == ["predicted_forks", "id", "size", "meta_topic"]


def test_errors_inside_a_stream_are_ours(room: Room) -> None:
    room.session.execute(
        "CREATE MODEL d.m OPTIONS(model_type='linear_reg', input_label_cols=['forks']) "
        "AS SELECT size, forks FROM d.repos"
    )

    with pytest.raises(AuguryError, match="the feature size is infinite"):
        room.rows("SELECT * FROM ML.PREDICT(MODEL d.m, (SELECT CAST('inf' AS FLOAT64) AS size))")
    with pytest.raises(AuguryError, match="did you mean threshold"):
        room.rows("SELECT * FROM ML.PREDICT(MODEL d.m, TABLE d.repos, STRUCT(0.4 AS treshold))")


def test_the_catalogue_and_the_types_agree() -> None:
    of_session = {option.name for option in catalogue.SESSION} - {"model_type"}
    for model_type, names in SUPPORTED.items():
        entries = [option for option in catalogue.SUPPORTED if model_type in option.types]
        assert {option.name for option in entries} - of_session == names
        assert {option.name for option in entries if option.tunable} == set(TUNABLE[model_type])
