"""How does a template in one dialect become SQL of an engine that speaks another?

Once per text: the holes keep their names through the translation, and are filled with the engine's own SQL afterwards.
"""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType

from augury.errors import Problem, SpecError, nearest
from augury.names import quote
from augury.sql.compiled import Slot
from augury.sql.facts import RUN_VALUES
from augury.sql.symbolic import PREFIX, Symbolic

_POSITION = re.compile(r" \(line \d+, column (\d+)\)$")
_SHARDS = re.compile(r"no table matches (\S+)\*")
_PLACEHOLDER = re.compile(rf"[\"`]?({PREFIX}\w+)[\"`]?")

_TYPES = MappingProxyType(
    {
        f"{PREFIX}run_date": "DATE",
        f"{PREFIX}cutoff": "TIMESTAMP",
        f"{PREFIX}previous_cutoff": "TIMESTAMP",
        f"{PREFIX}horizon_end": "TIMESTAMP",
    }
)
"""What the values of a run are, in BigQuery's words."""


def translated(
    symbolic: Symbolic, dialect: str, engine: str
) -> tuple[tuple[str | Slot, ...], tuple[tuple[str, int], ...]]:
    """The parts for the engine, and the place in the template that each line of them comes from.

    Raises SpecError where the engine has nothing that gives the same answer.
    """
    from augury.sql.bigquery import from_duckdb
    from augury.sql.bigquery_ml.transform_queries import translate

    _refuse_parameters(symbolic, dialect)
    slots = {part.symbol: part for part in symbolic.parts if isinstance(part, Slot)}
    # A relation gets its name before the translation: what is taken from it may need one.
    named = "".join(part if isinstance(part, str) else _named(part, dialect) for part in symbolic.parts)
    values = {symbol: _TYPES[symbol] for symbol, slot in slots.items() if slot.relation is None}
    try:
        if (dialect, engine) == ("bigquery", "duckdb"):
            result = translate(named, placeholders=values)
        elif (dialect, engine) == ("duckdb", "bigquery"):
            result = from_duckdb(named, placeholders=values)
        else:
            raise SpecError([Problem(f"SQL in the dialect {dialect} cannot be run by {engine}", line=1)])
    except SpecError as error:
        raise SpecError([_placed(problem, symbolic.places) for problem in error.problems]) from error
    places = tuple(_place(symbolic.places, line) for line in result.lines)
    return tuple(_cut(result.sql, slots)), places


def _refuse_parameters(symbolic: Symbolic, dialect: str) -> None:
    """`@run_dat`: a query has no parameters but the values of the run. `@@name` is a variable of the system."""
    if dialect != "bigquery":
        return
    problems = []
    tokens = symbolic.tokens
    for before, sign, name in zip((None, *tokens), tokens, tokens[1:], strict=False):
        if sign.text == "@" and name.kind == "word" and (before is None or before.text != "@"):
            file, line = _place(symbolic.places, symbolic.text.count("\n", 0, sign.start) + 1)
            message = f"@{name.text} is no value of a run ({', '.join(f'@{value}' for value in RUN_VALUES)})"
            problems.append(Problem(message, file, line, suggestion=nearest(name.text.lower(), RUN_VALUES)))
    if problems:
        raise SpecError(problems)


def _named(slot: Slot, dialect: str) -> str:
    return f"{slot.symbol} AS {quote(slot.alias, dialect)}" if slot.alias else slot.symbol


def _cut(sql: str, slots: dict[str, Slot]) -> list[str | Slot]:
    parts: list[str | Slot] = []
    at = 0
    for found in _PLACEHOLDER.finditer(sql):
        slot = slots.get(found[1])
        if slot is not None:
            parts += [sql[at : found.start()], replace(slot, alias="")]
            at = found.end()
    return [*parts, sql[at:]]


def _place(places: tuple[tuple[str, int], ...], line: int) -> tuple[str, int]:
    return places[min(max(line, 1), len(places)) - 1]


def _placed(problem: Problem, places: tuple[tuple[str, int], ...]) -> Problem:
    """With the line of the file: loops and macros move lines, so that the one that the message says is of no use."""
    file, line = _place(places, problem.line or 1)
    message = _POSITION.sub(r" (column \1)", problem.message)
    shards = _SHARDS.match(message)
    if shards:
        named = f"`table: {shards[1]}{{date}}`"
        message = f"{message}: a target that is no BigQuery reads a source, with {named}, by {{{{ source('...') }}}}"
    return replace(problem, message=message, file=file, line=line)
