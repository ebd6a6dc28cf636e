"""Cases as they are written in YAML, checked while they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

FILES = {
    "ga4": "Events, nested and repeated fields",
    "queries": "Queries",
    "aggregates": "Aggregates and windows",
    "dates": "Dates and times",
    "numbers": "Numbers",
    "text": "Text, hashes and JSON",
}
"""Files by the headings of the page."""


@dataclass(frozen=True)
class Case:
    group: str
    name: str
    sql: str
    tables: Mapping[str, str]
    """DuckDB SQL of each table, by its last name."""
    answer: tuple[tuple[Any, ...], ...] | None = None
    columns: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    """DuckDB types of the columns."""
    ordered: bool = False
    """The order of the rows is part of the answer."""
    refused: str | None = None
    """Part of the message with which the translation refuses it."""
    fails: str | None = None
    """Part of the message with which the engine stops, as BigQuery does."""
    gap: str | None = None
    """Why the answer differs, or why there is none."""
    now: datetime | None = None
    parameters: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    """(type, value) by name or number."""

    @property
    def id(self) -> str:
        return f"{self.group}: {self.name}"


def cases() -> Iterator[Case]:
    """Every case, file by file."""
    import yaml

    for group in FILES:
        path = Path(__file__).with_name(f"{group}.yml")
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in written["cases"]:
            yield _case(group, dict(case), written["tables"])


def _case(group: str, case: dict[str, Any], tables: Mapping[str, str]) -> Case:
    if sum(key in case for key in ("answer", "refused", "fails")) != 1:
        raise ValueError(f"{group}: {case['name']}: one of answer, refused and fails")
    for key in ("columns", "types"):
        if key in case:
            case[key] = tuple(case[key])
    if "answer" in case:
        case["answer"] = tuple(map(tuple, case["answer"]))
    if "now" in case:
        case["now"] = datetime.fromisoformat(case["now"])
    case["parameters"] = {name: (kind, value) for name, (kind, value) in case.get("parameters", {}).items()}
    return Case(group=group, tables=tables, **case)
