"""What does a CREATE, DROP, ALTER or EXPORT MODEL statement say?

sqlglot does not know most of these, so the tokens are read here; queries inside stay text. BigQuery docs: 'The CREATE
MODEL statement', 'The DROP MODEL statement', 'The ALTER MODEL statement', 'The EXPORT MODEL statement'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from augury.errors import Problem, SpecError
from augury.sql.bigquery_ml.cursor import Cursor
from augury.sql.bigquery_ml.lexer import Source, refused, scan
from augury.sql.bigquery_ml.values import Clause, Given, Name

_VERBS = ("CREATE", "DROP", "ALTER", "EXPORT")


@dataclass(frozen=True)
class CreateModel:
    name: Name
    replace: bool = False
    if_not_exists: bool = False
    options: tuple[Given, ...] = ()
    transform: Clause | None = None
    """What stands between the parentheses of TRANSFORM."""
    remote: Clause | None = None
    """REMOTE WITH CONNECTION: a model that runs elsewhere."""
    inputs: tuple[tuple[str, str], ...] = ()
    """(name, BigQuery type) of INPUT ( ... ), of an imported or remote model."""
    outputs: tuple[tuple[str, str], ...] = ()
    query: Clause | None = None
    holidays: Clause | None = None
    """The second query of AS (training_data AS (...), custom_holiday AS (...))."""


@dataclass(frozen=True)
class DropModel:
    name: Name
    if_exists: bool = False


@dataclass(frozen=True)
class AlterModel:
    name: Name
    options: tuple[Given, ...]
    if_exists: bool = False


@dataclass(frozen=True)
class ExportModel:
    name: Name
    options: tuple[Given, ...]


Statement = CreateModel | DropModel | AlterModel | ExportModel
_QUICK = re.compile(r"\b(?:CREATE|DROP|ALTER|EXPORT)\b.*?\bMODEL\b", re.IGNORECASE | re.DOTALL)


def is_statement(sql: str) -> bool:
    """Whether this is one of the statements about models, well written or not."""
    if not _QUICK.search(sql):
        return False
    words: list[str] = []
    for token in _head(sql):
        words.append(token)
        if token not in ("OR", "REPLACE", *_VERBS):
            break
    return words[:1] != [] and words[0] in _VERBS and words[-1] == "MODEL"


def _head(sql: str) -> list[str]:
    out: list[str] = []
    for token in scan(sql):
        out.append(token.upper)
        if len(out) == 5:
            break
    return out


def read_statement(sql: str, file: str | None = None) -> Statement:
    """Raises SpecError with line and column."""
    source = Source.of(sql, file)
    cursor = Cursor(source)
    while cursor.end and source.tokens[cursor.end - 1].text == ";":
        cursor.end -= 1
    if cursor.done():
        raise source.error(0, "the file has no SQL")
    if cursor.accept("CREATE"):
        return _create(cursor)
    if cursor.accept("DROP", "MODEL"):
        if_exists = cursor.accept("IF", "EXISTS")
        return _ended(cursor, DropModel(cursor.name(), if_exists))
    if cursor.accept("ALTER", "MODEL"):
        if_exists = cursor.accept("IF", "EXISTS")
        name = cursor.name()
        cursor.expect("SET", "OPTIONS")
        return _ended(cursor, AlterModel(name, _options(cursor), if_exists))
    if cursor.accept("EXPORT", "MODEL"):
        name = cursor.name()
        cursor.expect("OPTIONS")
        return _ended(cursor, ExportModel(name, _options(cursor)))
    message = f"CREATE MODEL, DROP MODEL, ALTER MODEL or EXPORT MODEL is expected here, not {cursor.shown()}"
    raise source.error(cursor.offset, message)


def _ended(cursor: Cursor, statement: Statement) -> Statement:
    if cursor.done():
        return statement
    what = (
        "a second statement: write one statement per file" if cursor.accept(";") else f"not expected: {cursor.shown()}"
    )
    raise cursor.source.error(cursor.offset, what)


def _create(cursor: Cursor) -> CreateModel:
    source = cursor.source
    replace = cursor.accept("OR", "REPLACE")
    cursor.expect("MODEL")
    start = cursor.offset
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    if replace and if_not_exists:
        raise source.error(start, "OR REPLACE and IF NOT EXISTS exclude each other")
    name = cursor.name()
    found: dict[str, Clause] = {}
    columns: dict[str, tuple[tuple[str, str], ...]] = {}
    options: tuple[Given, ...] | None = None
    while not cursor.done() and cursor.token.upper not in ("AS", ";"):
        start = cursor.offset
        word = cursor.take().upper
        if word == "OPTIONS" and options is None:
            options = _options(cursor)
        elif word == "TRANSFORM" and word not in found:
            found[word] = _clause(cursor.inside())
        elif word in ("INPUT", "OUTPUT") and word not in columns:
            columns[word] = _columns(cursor.inside())
        elif word == "REMOTE" and word not in found:
            cursor.expect("WITH", "CONNECTION")
            within = Cursor(source, cursor.at, cursor.at + 1)
            cursor.path()
            within.end = cursor.at
            found[word] = _clause(within)
        else:
            cursor.at -= 1
            message = f"TRANSFORM, OPTIONS or AS is expected here, not {cursor.shown()}"
            twice = word == "OPTIONS" or word in found or word in columns
            raise source.error(start, f"{word} is written twice" if twice else message)
    query, holidays = _training(cursor)
    created = CreateModel(
        name,
        replace,
        if_not_exists,
        options or (),
        found.get("TRANSFORM"),
        found.get("REMOTE"),
        columns.get("INPUT", ()),
        columns.get("OUTPUT", ()),
        query,
        holidays,
    )
    _ended(cursor, created)
    return created


def _options(cursor: Cursor) -> tuple[Given, ...]:
    """`(name = value, ...)`; the cursor stands on the parenthesis."""
    inside = cursor.inside()
    out: dict[str, Given] = {}
    problems: list[Problem] = []
    while not inside.done():
        start = inside.offset
        try:
            given = _option(inside)
            if given.name in out:
                raise cursor.source.error(start, f"the option {given.name} is given twice")
            out[given.name] = given
            if not inside.done():
                inside.expect(",")
        except SpecError as error:
            problems += error.problems
            inside.skip_to(",")
            inside.accept(",")
    if problems:
        raise refused(problems)
    return tuple(out.values())


def _option(inside: Cursor) -> Given:
    start = inside.offset
    name = inside.take().text[1:-1].lower() if inside.token.kind == "string" else inside.word()
    inside.expect("=")
    return Given(name, inside.value(), *inside.source.place(start))


def _columns(inside: Cursor) -> tuple[tuple[str, str], ...]:
    """`name TYPE, ...`; the type may have commas between < and >."""
    tokens = inside.source.tokens
    out: list[tuple[str, str]] = []
    while not inside.done():
        name, at, depth = inside.spelled(), inside.at, 0
        while not inside.done() and (depth or inside.token.text != ","):
            depth += {"<": 1, ">": -1}.get(inside.take().text, 0)
        if inside.at == at:
            raise inside.source.error(inside.offset, f"the type of {name} is expected here, not {inside.shown()}")
        out.append((name, inside.source.text[tokens[at].start : tokens[inside.at - 1].end].upper()))
        if not inside.done():
            inside.expect(",")
    return tuple(out)


def _training(cursor: Cursor) -> tuple[Clause | None, Clause | None]:
    """The query behind AS, and that of custom holidays."""
    if not cursor.accept("AS"):
        return None, None
    named = _named_queries(cursor)
    if named is not None:
        return named
    within = Cursor(cursor.source, cursor.at, cursor.end)
    cursor.skip_to(";")
    within.end = cursor.at
    return select(within), None


def _named_queries(cursor: Cursor) -> tuple[Clause | None, Clause | None] | None:
    """AS (training_data AS (...), custom_holiday AS (...)); None where it is a plain query."""
    if cursor.token.text != "(" or cursor.ahead(1).upper not in ("TRAINING_DATA", "CUSTOM_HOLIDAY"):
        return None
    inside = cursor.inside()
    found: dict[str, Clause] = {}
    while not inside.done():
        start = inside.offset
        name = inside.word()
        if name not in ("training_data", "custom_holiday") or name in found:
            raise cursor.source.error(start, f"training_data and custom_holiday are expected once each, not {name!r}")
        inside.expect("AS")
        found[name] = select(inside.inside())
        if not inside.done():
            inside.expect(",")
    return found.get("training_data"), found.get("custom_holiday")


def select(cursor: Cursor) -> Clause:
    """What a cursor still holds, which must begin as a query."""
    first = cursor
    if first.done():
        raise cursor.source.error(cursor.offset, "a query is expected here")
    at = cursor.at
    while at < cursor.end and cursor.source.tokens[at].text == "(":
        at += 1
    if at == cursor.end or cursor.source.tokens[at].upper not in ("SELECT", "WITH", "FROM"):
        shown = Cursor(cursor.source, at, cursor.end).shown()
        raise cursor.source.error(cursor.offset, f"a SELECT is expected here, not {shown}")
    return _clause(cursor)


def _clause(cursor: Cursor) -> Clause:
    tokens = cursor.source.tokens
    if cursor.done():
        raise cursor.source.error(cursor.offset, "there is nothing between the parentheses")
    start, end = tokens[cursor.at].start, tokens[cursor.end - 1].end
    return Clause(cursor.source.blank([(start, end)]), cursor.source.place(start)[0])
