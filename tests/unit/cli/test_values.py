"""Values on their way into JSON, CSV and cells."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augury.cli.reports import csv_lines
from augury.cli.values import csv_cell, plain, text_cell, to_json
from augury.errors import Place, QueryRefused
from augury.ledger.records import Status
from tests.unit.cli.values import model

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_json_reads_back_as_it_was(value: Any) -> None:
    text = to_json(plain(value))
    assert json.loads(text) == value
    assert "\x1b" not in text
    assert "\n" not in text


@given(st.text())
def test_json_for_a_terminal_without_unicode_is_ascii(text: str) -> None:
    assert to_json(text, ascii_only=True).isascii()


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (Decimal("12"), 12),
        (Decimal("7102.40"), 7102.4),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),  # more digits than a float keeps
        (Decimal("NaN"), "NaN"),
        (float("nan"), "NaN"),  # differs from NULL
        (float("-inf"), "-Infinity"),
        (date(2026, 1, 15), "2026-01-15"),
        (datetime(2026, 1, 15, 6, tzinfo=UTC), "2026-01-15T06:00:00+00:00"),
        (b"\x00\xff", "00ff"),
        (Status.SKIPPED_EMPTY, "skipped: empty"),
        ({Status.HELD: (1, None)}, {"held": [1, None]}),
        (Place(pipeline="ltv", line=7), {"pipeline": "ltv", "date": None, "step": None, "file": None, "line": 7}),
    ],
)
def test_what_json_does_not_know_has_one_form(value: object, made: object) -> None:
    assert plain(value) == made


def test_an_error_is_its_facts() -> None:
    made = plain(QueryRefused("no column totl", where=Place(pipeline="ltv"), fix="Fix the SQL."))
    assert made["code"] == "QueryRefused"
    assert made["where"] == {"pipeline": "ltv"}


def test_a_record_of_the_ledger_is_an_object() -> None:
    made = plain(model())
    assert made["metrics"]["mean_absolute_error"]["mean"] == 21.4
    assert made["tick"] == "1998-01-01"


def test_z_secrets_are_masked_in_keys_and_values_but_numbers_stay() -> None:
    def mask(text: str) -> str:
        return text.replace("1234", "***")

    assert plain({"a1234": ["x1234", 1234]}, mask) == {"a***": ["x***", 1234]}


@given(st.lists(st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]))))
def test_csv_reads_back_as_it_was(values: list[object]) -> None:
    line = csv_lines([values])
    read = next(csv.reader(io.StringIO(line)), [])
    assert read == ["" if value is None else str(value) for value in values]


def test_csv_cells_hold_no_escape_codes_and_nested_values_are_json() -> None:
    assert csv_cell("\x1b[31mred") == "\\x1b[31mred"
    assert csv_cell({"a": [1, None]}) == '{"a": [1, null]}'
    assert csv_cell(True) == "true"


def test_cells_of_text_are_short() -> None:
    assert text_cell(32.400000000000006) == "32.4"
    assert text_cell(None) == ""
    assert text_cell(math.inf) == "Infinity"
    assert text_cell(datetime(2026, 1, 15, 6, 0, 1, tzinfo=UTC)) == "2026-01-15 06:00:01+00:00"


def test_mappings_of_any_kind_are_objects() -> None:
    class Frozen(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return 1

        def __iter__(self) -> Any:
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    assert plain(Frozen()) == {"a": 1}
