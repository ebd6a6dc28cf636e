"""Does the running sum of a look-back tell apart what a hash of all its fingerprints would?"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from augury.plan.windows import WindowSums

START = date(2026, 1, 1)
DAYS = [START + timedelta(days=n) for n in range(40)]


def fingerprint(day: date, content: int = 0) -> str:
    return hashlib.blake2b(f"{day} {content}".encode(), digest_size=16).hexdigest()


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 40)), min_size=1, max_size=20))
def test_a_window_has_one_print_in_whatever_order_windows_are_asked_for(asked: list[tuple[int, int]]) -> None:
    shared = WindowSums(fingerprint)
    for first, last in asked:
        window = DAYS[min(first, last) : max(first, last)]
        assert shared.over(window) == WindowSums(fingerprint).over(window)


@given(st.integers(0, 29), st.integers(1, 10))
def test_a_changed_partition_changes_exactly_the_windows_that_hold_it(changed: int, length: int) -> None:
    before = WindowSums(fingerprint)
    after = WindowSums(lambda day: fingerprint(day, int(day == DAYS[changed])))
    for first in range(30):
        window = DAYS[first : first + length]
        assert (before.over(window) != after.over(window)) == (DAYS[changed] in window)


def test_windows_of_other_length_or_place_differ() -> None:
    sums = WindowSums(fingerprint)
    prints = {sums.over(DAYS[first:last]) for first in range(10) for last in range(first + 1, 20)}
    assert len(prints) == sum(19 - first for first in range(10))
    assert sums.over([]) not in prints
