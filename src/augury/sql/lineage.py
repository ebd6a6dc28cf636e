"""What does a query read outside the relation functions, and which columns of each relation does it need?

This module imports sqlglot, so it is itself imported only when one of the two is asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

# sqlglot warns of statements that it keeps as plain text; those are `opaque` here.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_PREFIX = "__augury_"
_MAKES_ROWS = (exp.GenerateSeries, exp.Unnest, exp.Explode, exp.Values, exp.Inline)
_ROW_FUNCTIONS = frozenset(("range", "generate_series", "generate_subscripts", "unnest", "repeat", "repeat_row"))
_FILE_FUNCTIONS = ("read_", "query", "sniff_", "parquet_", "glob", "st_read")


@dataclass(frozen=True)
class Lineage:
    """What a parser finds out about a symbolic text."""

    opaque: bool
    """The parser does not know the syntax; the rest is unknown."""
    outside: tuple[tuple[str, int], ...]
    """(table, line of the symbolic text), each table once."""
    columns: tuple[tuple[str, ...] | None, ...]
    """Per relation, in order of appearance."""


@lru_cache(maxsize=1024)
def trace(text: str, relations: tuple[tuple[str, str], ...], dialect: str) -> Lineage:
    """`relations` are (symbol, name it goes by without an alias) of each relation in `text`."""
    tree = _parsed(text, dialect)
    if tree is None:
        return Lineage(True, (), tuple(None for _ in relations))
    tables = {table.name: table for table in tree.find_all(exp.Table) if table.name.startswith(_PREFIX)}
    named = {node.name.lower() for node in tree.find_all(exp.Table, exp.TableAlias)}
    named |= {alias.lower() for _, alias in relations}
    columns = tuple(
        _columns_of(tables[symbol], alias, named) if symbol in tables else None for symbol, alias in relations
    )
    outside: dict[str, int] = {}
    for name, line in chain(_tables_outside(tree), _files_opened(tree)):
        outside.setdefault(name, line)
    return Lineage(False, tuple(outside.items()), columns)


def _parsed(text: str, dialect: str) -> exp.Expression | None:
    try:
        trees = sqlglot.parse(text, dialect=dialect)
    except (SqlglotError, RecursionError):
        return None
    tree = trees[0] if len(trees) == 1 else None
    return None if tree is None or isinstance(tree, exp.Command) else tree  # type: ignore[return-value]


# -- outside -------------------------------------------------------------------------------------------------


def _tables_outside(tree: exp.Expression) -> Iterator[tuple[str, int]]:
    for table in tree.find_all(exp.Table):
        this = table.this
        if isinstance(this, exp.Func):
            name = _function_name(this)
            if not isinstance(this, _MAKES_ROWS) and name not in _ROW_FUNCTIONS:
                yield _called(this, name), _line(table)
        elif table.name and not table.name.startswith(_PREFIX) and not _is_cte(table):
            yield ".".join(part.name for part in table.parts), _line(this)


def _files_opened(tree: exp.Expression) -> Iterator[tuple[str, int]]:
    for function in tree.find_all(exp.Func):
        name = _function_name(function)
        if name.startswith(_FILE_FUNCTIONS) or name.endswith("_scan"):
            yield _called(function, name), _line(function)


def _function_name(function: exp.Func) -> str:
    if isinstance(function, exp.Anonymous):
        return function.name.lower()
    return str(function.sql_name()).lower()


def _called(function: exp.Func, name: str) -> str:
    first = next(function.find_all(exp.Literal), None)
    return f"{name}({first.sql() if first is not None else ''})"


def _line(node: exp.Expression | exp.Func) -> int:
    return next((int(one.meta["line"]) for one in node.walk() if "line" in one.meta), 1)


def _is_cte(table: exp.Table) -> bool:
    """Whether a WITH around the table defines its name before the table uses it."""
    if table.args.get("db"):
        return False
    name, inside = table.name.lower(), set()
    node: exp.Expression | None = table
    while node is not None:
        inside.add(id(node))
        clause = node.args.get("with_")
        if clause is not None and name in _defined_before(clause, inside):
            return True
        node = node.parent  # type: ignore[assignment]
    return False


def _defined_before(clause: exp.Expression, inside: set[int]) -> Iterator[str]:
    """Names of a WITH that can be seen from one of its own queries, or from the query that it belongs to.

    In `WITH orders AS (SELECT * FROM orders)` the inner one is the real table.
    """
    for cte in clause.expressions:
        if id(cte) in inside and not clause.args.get("recursive"):
            return
        yield cte.alias.lower()


# -- columns -------------------------------------------------------------------------------------------------


def _columns_of(table: exp.Table, name: str, named: set[str]) -> tuple[str, ...] | None:
    """Columns that the SELECT around a table may take from it; None for all.

    `named` are the tables of the query: in `x.y`, `x` is one of them, or else a column with fields.
    """
    select = table.find_ancestor(exp.Select, exp.Pivot)
    alias = table.args.get("alias")
    renamed = alias is not None and alias.args.get("columns")
    if not isinstance(select, exp.Select) or table.args.get("pivots") or renamed:
        return None
    called = (table.alias or name).lower()
    if _takes_all(select, called):
        return None
    names: dict[str, str] = {}
    for path in _names_used(select):
        if path[0].lower() == called:
            if len(path) == 1:
                return None  # the whole row as one value
            path = path[1:]
        elif len(path) > 1 and path[0].lower() in named:
            continue
        names.setdefault(path[0].lower(), path[0])
    return tuple(names.values())


def _takes_all(select: exp.Select, called: str) -> bool:
    if any(join.args.get("method") == "NATURAL" for join in select.args.get("joins") or ()):
        return True
    for node in select.find_all(exp.Star, exp.Columns, exp.PositionalColumn):
        if node.find_ancestor(exp.Select) is not select or isinstance(node.parent, exp.Count):
            continue
        column = node.parent
        qualifier = column.table.lower() if isinstance(column, exp.Column) else ""
        if qualifier in ("", called):
            return True
    return False


def _names_used(select: exp.Select) -> Iterator[tuple[str, ...]]:
    """Dotted paths of all columns below a SELECT, and the bare names of columns in USING and the like."""
    for column in select.find_all(exp.Column):
        path = tuple(part.name for part in column.parts)
        if not path[0].startswith(_PREFIX):
            yield path
    for identifier in select.find_all(exp.Identifier):
        if not isinstance(identifier.parent, exp.Column | exp.Table | exp.TableAlias | exp.Alias | exp.CTE):
            yield (identifier.name,)
