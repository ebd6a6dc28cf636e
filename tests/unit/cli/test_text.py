"""Figures, durations, dates and tables for people."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augury.cli.text import count, days, duration, few, neutral, one_line, size, table, width


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.004, "0.00 s"),
        (0.92, "0.9 s"),
        (59.9, "59.9 s"),
        (59.99, "1 min 0 s"),
        (72.4, "1 min 12 s"),
        (7380, "2 h 3 min"),
    ],
)
def test_a_duration_is_as_exact_as_people_need_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_counts_agree_with_their_noun() -> None:
    assert [count(0, "date"), count(1, "date"), count(6919, "order")] == ["0 dates", "1 date", "6,919 orders"]
    assert count(2, "entity", "entities") == "2 entities"


def test_sizes_are_powers_of_a_thousand() -> None:
    assert [size(812), size(4_200_000_000), size(999_999)] == ["812 B", "4.2 GB", "1.0 MB"]


def test_m_a_range_is_echoed_with_its_excluded_end() -> None:
    january = [date(1998, 1, day) for day in range(1, 32)]
    assert days(january) == "31 dates: 1998-01-01 to 1998-01-31 (end excluded)"
    assert days(january[:1]) == "1 date: 1998-01-01"


def test_long_lists_say_how_much_is_left_out() -> None:
    assert few([1, 2, 3, 4, 5]) == "1, 2, 3 and 2 more"
    assert few([1, 2, 3]) == "1, 2, 3"


def test_a_table_is_aligned_and_its_numbers_stand_to_the_right() -> None:
    lines = table(("name", "n"), [("a", "1"), ("日本", "1,000")], right=[1]).splitlines()
    assert lines == ["name      n", "a         1", "日本  1,000"]


@given(st.text())
def test_z_data_cannot_move_the_cursor(text: str) -> None:
    clean = neutral(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", clean)
    clean.encode()  # no half of a surrogate pair is left
    assert len(one_line(text).splitlines()) <= 1


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_a_table_has_one_line_for_each_row(rows: list[tuple[str, str]]) -> None:
    assert len(table(("first", "second"), rows).split("\n")) == len(rows) + 1


def test_the_width_of_text_counts_terminal_columns() -> None:
    assert [width("abc"), width("日本"), width("e\u0301")] == [3, 4, 1]
