"""Does a source still have the columns that were declared? What to say where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from augury.errors import DataRefused, nearest
from augury.spec.columns import Column
from augury.warehouses.duckdb import types

_FIX = "Correct the source, or its `columns` in augury.yml."


def missing_columns(
    where: str, missing: Iterable[str], there: Iterable[str], declared: Mapping[str, Column]
) -> DataRefused:
    known = list(there)
    return DataRefused(
        f"the columns of {where} changed",
        why="; ".join(_missing(name, known, declared) for name in missing),
        fix=_FIX,
    )


def retyped_columns(where: str, retyped: Mapping[str, tuple[str, str]]) -> DataRefused:
    """`retyped` is name to (expected, got)."""
    return DataRefused(
        f"the columns of {where} changed",
        why="; ".join(f"column {name!r}: expected {one}, got {other}" for name, (one, other) in retyped.items()),
        fix=_FIX,
    )


def check(where: str, bound: Iterable[tuple[str, Any]], declared: Mapping[str, Column]) -> None:
    """Raise DataRefused for every declared column that is missing or has another type."""
    there = {name.casefold(): (name, kind) for name, kind in bound}
    problems: list[str] = []
    for name, column in declared.items():
        if name.casefold() not in there:
            problems.append(_missing(name, [found for found, _ in there.values()], declared))
            continue
        kind = there[name.casefold()][1]
        if not types.accepts(column.type, kind, source=True):
            problems.append(f"column {name!r}: expected {column.type}, got {types.canonical(str(kind))}")
    if problems:
        raise DataRefused(f"the columns of {where} changed", why="; ".join(problems), fix=_FIX)


def _missing(name: str, there: list[str], declared: Mapping[str, Column]) -> str:
    close = nearest(name, [found for found in there if found not in declared])
    hint = f" ({close!r} is new)" if close else ""
    return f"column {name!r}: expected {declared[name].type}, got no such column{hint}"
