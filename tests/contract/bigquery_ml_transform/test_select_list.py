"""The select list of TRANSFORM on rows: stars, replaced columns, and rows to predict that lack the label."""

from __future__ import annotations

from tests.contract.bigquery_ml_transform.room import Room

TRAINING = "(SELECT 1 AS a, 'x' AS b, 5.0 AS label UNION ALL SELECT 3, 'y', 7.0)"


def test_a_star_is_the_columns_of_the_training_query(room: Room) -> None:
    bound = room.learn("* EXCEPT (label) REPLACE (ML.MIN_MAX_SCALER(a) OVER () AS a), label", TRAINING)
    assert room.rows(f"{bound.select_sql(TRAINING)} ORDER BY label") == [
        {"a": 0.0, "b": "x", "label": 5},
        {"a": 1.0, "b": "y", "label": 7},
    ]
    wider = "(SELECT 2 AS a, 'z' AS b, 0 AS label, TRUE AS more)"
    assert room.rows(bound.select_sql(wider)) == [{"a": 0.5, "b": "z", "label": 0}]


def test_rows_to_predict_need_no_label(room: Room) -> None:
    bound = room.learn("ML.MAX_ABS_SCALER(a) OVER () AS a, UPPER(b) AS b, label", TRAINING)
    asked = "(SELECT 6 AS a, 'q' AS b)"
    names = {"a": "__augury_a", "b": "__augury_b"}
    assert bound.needs(names) == ("a", "b")
    assert room.rows(bound.select_sql(asked, keep=["a", "b"], names=names)) == [
        {"a": 6, "b": "q", "__augury_a": 2.0, "__augury_b": "Q"}
    ]


def test_an_output_may_be_called_as_a_column_that_another_reads(room: Room) -> None:
    rows = room.transformed("a + 1 AS a, a * 10 AS c", TRAINING)
    assert rows == [{"a": 2, "c": 10}, {"a": 4, "c": 30}]


def test_columns_are_found_whatever_their_letter_case(room: Room) -> None:
    rows = room.transformed("A, LABEL AS l, ML.MAX_ABS_SCALER(A) OVER () AS s", TRAINING)
    assert rows[1] == {"A": 3, "l": 7, "s": 1.0}


def test_expressions_are_bigquery_sql(room: Room) -> None:
    clause = "SAFE_DIVIDE(a, 0) AS none, IF(b = 'x', 1, 2) AS i, a / 2 AS half, CONCAT(b, '-', 'é') AS c"
    assert room.transformed(clause, TRAINING)[0] == {"none": None, "i": 1, "half": 0.5, "c": "x-é"}


def test_several_lines_and_comments(room: Room) -> None:
    clause = '''
        a, -- the first
        ML.BUCKETIZE(
            a,      -- what
            [2]     # where
        ) AS bucket, /* the
        last */ CONCAT(b, """
""") AS line'''
    assert room.transformed(clause, TRAINING)[1] == {"a": 3, "bucket": "bin_2", "line": "y\n"}
    assert "\n" not in room.learn(clause, TRAINING).select_sql(TRAINING)
