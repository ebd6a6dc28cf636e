"""In which of four forms does an answer leave: text, json, ndjson or csv?

A command makes one `Report` and knows nothing of forms. JSON documents carry `version`: that of their form.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from augury.cli.streams import Streams
from augury.cli.values import Mask, csv_cell

Form = Literal["text", "json", "ndjson", "csv"]
FORMS: tuple[Form, ...] = ("text", "json", "ndjson", "csv")
FORM_VERSION = 1
"""Rises when a key of a JSON document is removed or changes its meaning; new keys do not count."""


@dataclass(frozen=True)
class Report:
    document: Mapping[str, Any]
    """What json prints."""
    columns: Sequence[str]
    """Of csv."""
    records: Sequence[Mapping[str, Any]]
    """Lines of ndjson and csv; each has all columns."""
    text: str
    """What people read."""
    next: str = ""
    """The one next command, with a word before it; narration."""
    elsewhere: bool = False
    """The next command is about another project than this one."""
    costly: Callable[[], Mapping[str, Any]] | None = None
    """More of `document`, before the rest of it: what takes time that only json should spend."""

    def whole(self) -> dict[str, Any]:
        """The document with what is costly."""
        return {**(self.costly() if self.costly else {}), **self.document}


def show(streams: Streams, form: Form, report: Report) -> None:
    """Print a report in the form that was asked for."""
    match form:
        case "text":
            if report.text:
                streams.data(report.text)
        case "json":
            streams.json(document(report.whole()))
        case "ndjson":
            for record in report.records:
                streams.json(record)
        case "csv":
            records = ([record.get(name) for name in report.columns] for record in report.records)
            streams.raw(csv_lines([report.columns]) + csv_lines(records, streams.mask))
    if form == "text":
        streams.note(report.next if report.elsewhere else streams.advise(report.next))


def document(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": FORM_VERSION, **content}


def csv_lines(records: Iterable[Iterable[Any]], mask: Mask = str) -> str:
    """Records of csv, each with its line end (RFC 4180)."""
    import csv

    lines = io.StringIO()
    write = csv.writer(lines, lineterminator="\n").writerow
    for record in records:
        write([csv_cell(value, mask) for value in record])
    return lines.getvalue()
