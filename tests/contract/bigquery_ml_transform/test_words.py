"""Vocabularies: what is in them, in which order, and what becomes of everything else."""

from __future__ import annotations

from math import log

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.bigquery_ml_transform.room import Room, sparse, values


def test_by_default_a_category_comes_in_that_five_rows_have(room: Room) -> None:
    rows = values("c", ["'a'"] * 4 + ["'b'"] * 5)
    assert room.column("ML.LABEL_ENCODER(c) OVER ()", rows) == [0] * 4 + [1] * 5
    assert room.selected("ML.LABEL_ENCODER(c) OVER ()", rows) == [0] * 4 + [1] * 5
    assert room.column("ML.ONE_HOT_ENCODER(c) OVER ()", rows)[-1] == sparse({1: 1.0})


def test_the_alphabet_is_that_of_the_bytes(room: Room) -> None:
    rows = values("c", ["'é'", "'z'", "'a'", "'B'", "''"])
    assert room.column("ML.LABEL_ENCODER(c, 9, 0) OVER ()", rows) == [5, 4, 3, 2, 1]
    assert room.selected("ML.LABEL_ENCODER(c, 9, 0) OVER ()", rows) == [5, 4, 3, 2, 1]


def test_strange_categories_are_found_again(room: Room) -> None:
    words = [
        "it's",
        'say "x"',
        "back\\slash",
        "line\nbreak",
        "semi;colon",
        "-- note",
        "/* c",
        "{x}",
        "%s",
        "😀",
        "a\x01",
    ]
    room.connection.execute("CREATE TABLE strange (c VARCHAR)")
    room.connection.executemany("INSERT INTO strange VALUES (?)", [[word] for word in words])
    expected = [sorted(words, key=str.encode).index(word) + 1 for word in words]
    assert room.column("ML.LABEL_ENCODER(c, 99, 0) OVER ()", "strange") == expected
    room.connection.execute("INSERT INTO strange VALUES (?)", ["a\x00b"])
    assert len(set(room.column("ML.LABEL_ENCODER(c, 99, 0) OVER ()", "strange"))) == 12


def test_many_categories(room: Room) -> None:
    rows = "(SELECT 'c' || (range % 3000) AS c FROM range(9000))"
    categories = sorted(f"c{at}" for at in range(3000))
    expected = [categories.index(f"c{at % 3000}") + 1 for at in range(0, 9000, 1000)]
    assert room.column("ML.LABEL_ENCODER(c, 5000, 3) OVER ()", rows)[::1000] == expected
    assert room.types(room.learn("ML.LABEL_ENCODER(c, 5000, 3) OVER () AS c", rows).select_sql(rows)) == {"c": "BIGINT"}


def test_no_category_is_frequent_enough(room: Room) -> None:
    rows = values("c", ["'a'", "NULL"])
    assert room.column("ML.LABEL_ENCODER(c) OVER ()", rows) == [0, 0]
    assert room.column("ML.ONE_HOT_ENCODER(c, 'most_frequent') OVER ()", rows) == [sparse({0: 0.0}), sparse({0: 1.0})]
    assert room.column("ML.LABEL_ENCODER(c) OVER ()", "(SELECT 'a' AS c WHERE FALSE)", rows) == [0, 0]


def test_types_are_the_documented_ones(room: Room) -> None:
    rows = "(SELECT 'a' AS c, ['a'] AS d, 1 AS x)"
    clause = """ML.LABEL_ENCODER(c) OVER () AS a, ML.ONE_HOT_ENCODER(c) OVER () AS b,
        ML.MULTI_HOT_ENCODER(d) OVER () AS c, ML.BAG_OF_WORDS(d) OVER () AS d,
        ML.TF_IDF(d) OVER () AS e, ML.QUANTILE_BUCKETIZE(x, 3) OVER () AS f"""
    entries = 'STRUCT("index" BIGINT, "value" DOUBLE)[]'
    expected = {"a": "BIGINT", **dict.fromkeys("bcde", entries), "f": "VARCHAR"}
    assert room.types(room.learn(clause, rows).select_sql(rows)) == expected


def test_terms_are_weighed_by_how_few_documents_have_them(room: Room) -> None:
    rows = values("d", ["['I', 'like', 'pie', 'pie', 'pie', NULL]", "['yum', 'yum', 'pie', NULL]", "NULL", "[]"])
    alone, both = log(1 + 3 / (1 + 1)), log(1 + 3 / (1 + 2))
    expected = [
        sparse({0: both / 6, 1: alone / 6, 2: alone / 6, 3: 3 * both / 6}),
        sparse({0: both / 4, 3: both / 4, 4: 2 * alone / 4}),
        [],
        [],
    ]
    for answers in (
        room.column("ML.TF_IDF(d, 32, 1) OVER ()", rows),
        room.selected("ML.TF_IDF(d, 32, 1) OVER ()", rows),
    ):
        assert [[each["index"] for each in row] for row in answers] == [[e["index"] for e in row] for row in expected]
        for row, wanted in zip(answers, expected, strict=True):
            assert [each["value"] for each in row] == pytest.approx([each["value"] for each in wanted], rel=1e-12)


def test_terms_outside_of_the_dictionary_are_one_unknown_term(room: Room) -> None:
    rows = values("d", ["['a', 'b', 'c']", "['a', 'c', 'c']", "['a']"])
    unknown, known = log(1 + 3 / (1 + 2)), log(1 + 3 / (1 + 3))
    found = room.column("ML.TF_IDF(d, 1, 0) OVER ()", rows)
    assert [each["index"] for each in found[0]] == [0, 1]
    assert [each["value"] for each in found[0]] == pytest.approx([2 / 3 * unknown, known / 3], rel=1e-12)
    assert room.column("ML.BAG_OF_WORDS(d, 1, 0) OVER ()", rows) == [
        sparse({0: 2.0, 1: 1.0}),
        sparse({0: 2.0, 1: 1.0}),
        sparse({1: 1.0}),
    ]


def test_a_term_counts_once_per_document(room: Room) -> None:
    rows = values("d", ["['a', 'a', 'a']", "['b']", "['b']"])
    assert room.column("ML.MULTI_HOT_ENCODER(d, 9, 2) OVER ()", rows)[:2] == [sparse({0: 1.0}), sparse({1: 1.0})]
    assert room.selected("ML.MULTI_HOT_ENCODER(d, 9, 2) OVER ()", rows)[:2] == [sparse({0: 1.0}), sparse({1: 1.0})]


def test_what_is_most_frequent_may_be_a_number(room: Room) -> None:
    rows = values("x", ["3", "3", "1", "1", "NULL"])
    assert room.column("ML.IMPUTER(x, 'most_frequent') OVER ()", rows) == [3.0, 3.0, 1.0, 1.0, 1.0]
    assert room.selected("ML.IMPUTER(x, 'most_frequent') OVER ()", rows) == [3, 3, 1, 1, 1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=12)
)
def test_any_text_is_a_category(room: Room, words: list[str | None]) -> None:
    room.connection.register("words", pa.table({"c": pa.array(words, pa.string())}))
    known = sorted({word for word in words if word is not None}, key=str.encode)
    expected = [0 if word is None else known.index(word) + 1 for word in words]
    assert room.column("ML.LABEL_ENCODER(c, 99, 0) OVER ()", "words") == expected
    assert room.selected("ML.LABEL_ENCODER(c, 99, 0) OVER ()", "words") == expected
