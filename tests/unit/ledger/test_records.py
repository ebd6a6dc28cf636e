"""Which outcomes count as done, and what can a database hold?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from augury.ledger.database import storable
from augury.ledger.records import Status


def test_who_waits_goes_on_after_success_and_after_skips_only() -> None:
    """A7: a date without data does not hold up the dates after it."""
    assert {status for status in Status if status.complete} == {
        Status.SUCCEEDED,
        Status.SKIPPED_EMPTY,
        Status.SKIPPED_MISSING,
        Status.SKIPPED_NO_POPULATION,
    }


@given(st.text())
def test_ordinary_text_is_kept_as_it_is(text: str) -> None:
    assert storable(text) == text.replace("\x00", "\\x00")


@given(st.text(st.characters()))
def test_any_text_becomes_storable(text: str) -> None:
    kept = storable(text)
    kept.encode("utf-8")
    assert "\x00" not in kept
    assert storable(kept) == kept
