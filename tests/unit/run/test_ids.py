"""Do run ids sort by time, and stay apart?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augury.run.ids import is_run_id, new_run_id, run_started

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
RANDOM = st.binary(min_size=10, max_size=10)


def test_an_id_is_a_ulid() -> None:
    """The example of the ULID specification: 2016-07-30 23:54:10.259 UTC."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1469922850259)
    assert new_run_id(at, lambda size: bytes(size)) == "01ARZ3NDEK" + "0" * 16
    assert new_run_id(at, lambda size: b"\xff" * size) == "01ARZ3NDEK" + "Z" * 16


@given(TIMES, TIMES, RANDOM, RANDOM)
def test_ids_sort_by_time(one: datetime, other: datetime, first: bytes, second: bytes) -> None:
    ids = new_run_id(one, lambda _: first), new_run_id(other, lambda _: second)
    if other - one >= timedelta(milliseconds=1):
        assert ids[0] < ids[1]
    assert all(is_run_id(found) and len(found) == 26 for found in ids)


@given(TIMES, RANDOM)
def test_an_id_tells_when_its_run_started(at: datetime, random: bytes) -> None:
    assert timedelta(0) <= at - run_started(new_run_id(at, lambda _: random)) < timedelta(milliseconds=1)


def test_ids_of_one_instant_differ() -> None:
    at = datetime(2026, 1, 15, tzinfo=UTC)
    assert len({new_run_id(at) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("text", ["", "01ARZ3NDEK", "8" + "0" * 25, "0" * 25 + "U", "0" * 25 + "a", "0" * 27])
def test_other_text_is_no_id(text: str) -> None:
    assert not is_run_id(text)
    with pytest.raises(ValueError, match="not a run id"):
        run_started(text)


def test_a_time_that_an_id_cannot_say_is_refused() -> None:
    for at in (datetime(1969, 12, 31, tzinfo=UTC), datetime(2026, 1, 15)):  # noqa: DTZ001
        with pytest.raises(ValueError, match=str(at.year)):
            new_run_id(at)
