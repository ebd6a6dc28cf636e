"""What is there to know about one option of CREATE MODEL?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text", "integer", "number", "boolean", "word", "words", "column", "columns", "order", "weights", "moment",
    "tags",
]  # fmt: skip
SHOWN: dict[Kind, str] = {
    "text": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "TRUE or FALSE",
    "word": "a string",
    "words": "a string or an array of strings",
    "column": "the name of a column, as a string",
    "columns": "a string or an array of strings that name columns",
    "order": "three integers (p, d, q)",
    "weights": "an array of STRUCT('label', weight)",
    "moment": "a TIMESTAMP",
    "tags": "an array of STRUCT('key', 'value')",
}
"""What a value of this kind is, in a message."""


@dataclass(frozen=True)
class Option:
    """An option as some types of models have it; another entry may say how others do."""

    name: str
    kind: Kind
    types: frozenset[str]
    api: str = ""
    """The property of TrainingOptions in BigQuery's REST API, where there is one."""
    words: tuple[str, ...] = ()
    """In lower case; what a `word` or `words` may be."""
    low: float | None = None
    high: float | None = None
    tunable: bool = False
    """Whether HPARAM_RANGE and HPARAM_CANDIDATES may stand in its place."""


@dataclass(frozen=True)
class Refusal:
    """An option that exists on BigQuery and does nothing here."""

    name: str
    why: str
    api: str = ""
    types: frozenset[str] = frozenset()
    """Types of models for which it is refused; empty for all."""


def option(
    name: str,
    kind: Kind,
    for_types: Iterable[str],
    api: str = "",
    *,
    words: str = "",
    low: float | None = None,
    high: float | None = None,
    tunable: bool = False,
) -> Option:
    """An entry; `words` has spaces between."""
    return Option(name, kind, frozenset(for_types), api, tuple(words.split()), low, high, tunable)
