"""How do rows of a table leave: streamed, a batch at a time, whatever their number?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from augury.cli.reports import FORM_VERSION, Form, csv_lines
from augury.cli.streams import Streams
from augury.cli.text import count, table
from augury.cli.values import is_number, text_cell

SLICE = 2_000
"""Rows turned into Python values at a time."""
TEXT_LIMIT = 1_000
"""Rows that people are shown unless they ask for more."""

LONGEST_CELL = 120
"""Characters of a cell in text; exact values are what csv and json are for."""

Row = Sequence[Any]


def rows_of(reader: Any) -> Iterator[Row]:
    """Rows of a `pyarrow.RecordBatchReader`."""
    for batch in reader:
        for start in range(0, batch.num_rows, SLICE):
            part = batch.slice(start, SLICE)
            yield from zip(*(column.to_pylist() for column in part.columns), strict=True)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Column names that can be keys: the second `a` is `a_2`."""
    out: list[str] = []
    for name in names:
        at, wanted = 2, name
        while wanted in out:
            wanted, at = f"{name}_{at}", at + 1
        out.append(wanted)
    return tuple(out)


def print_rows(streams: Streams, form: Form, names: Sequence[str], rows: Iterable[Row], limit: int | None) -> None:
    """Rows on stdout. `limit` None: all, or TEXT_LIMIT in text, with a note where more were left out."""
    found = iter(rows)
    match form:
        case "text":
            _print_text(streams, names, found, limit)
        case "csv":
            parts = _slices(streams, islice(found, limit))
            first = next(parts, [])  # an engine that fails does so here, before anything is printed
            streams.raw(csv_lines([names], streams.mask) + csv_lines(first, streams.mask))
            for part in parts:
                streams.raw(csv_lines(part, streams.mask))
        case "ndjson":
            keys = unique(names)
            for part in _slices(streams, islice(found, limit)):
                for row in part:
                    streams.json(dict(zip(keys, row, strict=True)))
        case "json":
            _print_json(streams, unique(names), islice(found, limit))


def _slices(streams: Streams, rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Rows, SLICE at a time, as long as somebody reads."""
    while not streams.closed and (taken := list(islice(rows, SLICE))):
        yield taken


def _print_json(streams: Streams, keys: Sequence[str], rows: Iterator[Row]) -> None:
    """One document, written as the rows come."""
    parts = _slices(streams, rows)
    first = next(parts, [])  # as above
    head = streams.as_json({"version": FORM_VERSION, "columns": list(keys)})
    streams.raw(f'{head[:-1]}, "rows": [')
    between = "\n"
    for part in chain([first], parts):
        for row in part:
            streams.raw(between + streams.as_json(dict(zip(keys, row, strict=True))))
            between = ",\n"
    streams.raw("]}\n")


def _print_text(streams: Streams, names: Sequence[str], rows: Iterator[Row], limit: int | None) -> None:
    shown = TEXT_LIMIT if limit is None else limit
    taken = list(islice(rows, shown))
    streams.data(rows_text(names, taken))
    if next(rows, None) is not None:
        streams.note(f"The first {count(shown, 'row')}. All of them: --output csv; more of them: --limit N")
    else:
        streams.note(f"{count(len(taken), 'row')}")


def rows_text(names: Sequence[str], rows: Sequence[Row], indent: str = "") -> str:
    """Rows as an aligned table, columns of numbers to the right."""
    right = [
        at
        for at in range(len(names))
        if any(row[at] is not None for row in rows) and all(row[at] is None or is_number(row[at]) for row in rows)
    ]
    return table(
        names, [[text_cell(cell) for cell in row] for row in rows], right=right, indent=indent, longest=LONGEST_CELL
    )
