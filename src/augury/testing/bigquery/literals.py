"""Which rows of VALUES can be read by one query?

Those whose cells have the same types, so that no row changes the type of another's values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from augury.testing.bigquery.parameters import Parameters

MOST = 50
"""Rows of one query: the parser needs some frames of Python's thousand for each."""
NULL = "NULL"
Row = Sequence[Any]


def alike(rows: Sequence[Row], parameters: Parameters) -> Iterator[list[Row]]:
    """The rows in their order, in runs whose cells have the same types. A NULL goes with every type."""
    run: list[Row] = []
    types: list[str | None] = []
    for row in rows:
        found = [_type(cell, parameters) for cell in row]
        fits = all(
            new is not None and (new == old or NULL in (new, old)) for new, old in zip(found, types, strict=False)
        )
        if run and not (fits and len(run) < MOST):
            yield run
            run = []
        known = types if run else found
        types = [new if old == NULL else old for old, new in zip(known, found, strict=True)]
        run.append(row)
    if run:
        yield run


def _type(cell: Any, parameters: Parameters) -> str | None:
    """What the type of a cell follows from; None where it is no plain value."""
    from sqlglot import exp

    if isinstance(cell, exp.Null):
        return NULL
    if isinstance(cell, exp.Neg):
        return _type(cell.this, parameters)
    if isinstance(cell, exp.Literal):
        return "text" if cell.is_string else "whole" if cell.this.isdigit() else "fraction"
    if isinstance(cell, exp.Parameter):
        return parameters.types.get(cell.name)
    if isinstance(cell, exp.Cast) and isinstance(cell.this, exp.Literal):
        return str(cell.to.sql("bigquery"))
    return "BOOL" if isinstance(cell, exp.Boolean) else None
