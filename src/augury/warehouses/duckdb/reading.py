"""Does a statement only read, and how does a person query tables by their plain names?

DuckDB calls `WITH x AS (DELETE ...) SELECT ...` a SELECT, so its type alone proves nothing: the words are
looked at as well, and a person's query runs in a transaction that the engine itself keeps from writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from augury.errors import AuguryError, QueryRefused, StorageFailed, UsageError, nearest
from augury.names import quote
from augury.warehouses.duckdb import refusals, relations
from augury.warehouses.duckdb.connection import Engine
from augury.warehouses.duckdb.layout import TABLE, Layout
from augury.warehouses.duckdb.pointers import Pointers
from augury.warehouses.duckdb.views import Views

if TYPE_CHECKING:
    import pyarrow as pa

_WRITES = {"insert": {"into", "or"}, "delete": {"from"}, "merge": {"into"}, "update": None, "copy": None}
"""First word of a write inside parentheses, and the words that must follow for it to be one."""
_ACTING = {
    *("enable_logging", "disable_logging", "truncate_duckdb_logs", "enable_profiling", "disable_profiling"),
    *("checkpoint", "force_checkpoint", "create_external_resource", "destroy_external_resource"),
    *("register_external_resource", "deregister_external_resource", "register_external_resource_type"),
}
"""Table functions that do something although they stand in a SELECT."""
_EXPLAIN = re.compile(r"\s*explain\b(\s+analyze\b|\s*\(\s*(analyze|format)\b[^()]*\))?", re.IGNORECASE)
_END = re.compile(r";(\s|;|--[^\n]*|/\*.*?\*/)*\Z", re.DOTALL)
"""The end of a statement, and comments behind it."""
_LISTS = {"show", "describe", "desc"}
"""Verbs that list tables where they name none."""
_CATALOGUES = {"information_schema", "pg_catalog", "duckdb_tables", "duckdb_views", "duckdb_columns", "sqlite_master"}
"""Where else one may ask which tables there are."""
_WORD = re.compile(r"[a-z_][a-z0-9_]*")


def check_select(engine: Engine, sql: str) -> None:
    """Raise UsageError unless `sql` is exactly one statement that only reads; QueryRefused where it cannot be
    parsed."""
    found = engine.statements(sql)
    if len(found) != 1:
        raise _not_allowed("no statement" if not found else f"{len(found)} statements")
    # The parser's own text has no comment before the first word.
    kind, text = found[0].type.name, str(found[0].query)
    if kind in ("EXPLAIN", "MULTI") and (explained := _EXPLAIN.match(text)):
        check_select(engine, text[explained.end() :])
        return
    words = _words(engine, sql)
    if kind != "SELECT" and not (kind == "MULTI" and _is_query(engine, sql)):
        raise _not_allowed(words[0].upper() if kind == "MULTI" else kind.replace("_", " "))
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if before == "(" and word in _WRITES:
            following = _WRITES[word]
            if after in following if following is not None else _names_something(after):
                raise _not_allowed(word.upper())
        if after == "(" and word.strip('"') in _ACTING:
            raise _not_allowed(f"the function {word}")


def _is_query(engine: Engine, sql: str) -> bool:
    """Whether a statement can stand where only a query can.

    DuckDB takes a PIVOT without a list of values apart into several statements, whatever it is a part of.
    """
    for text in (sql.strip().rstrip(";"), _END.sub("", sql)):
        with suppress(QueryRefused):
            return len(engine.statements(f"SELECT EXISTS (\n{text}\n)")) == 1
    return False


def _names_something(word: str) -> bool:
    """Whether a table, a quoted one included, or a query in parentheses begins here."""
    return word[:1] in ("(", '"') or _WORD.fullmatch(word) is not None


def _not_allowed(what: str) -> UsageError:
    return UsageError(
        f"this is {what}: only one statement that reads is allowed",
        fix="Write one SELECT. Tables are written by `augury run`.",
    )


def _words(engine: Engine, sql: str) -> list[str]:
    """Tokens in lower case without comments; texts become empty quotes."""
    raw = sql.encode()
    found: list[str] = []
    tokens = engine.tokens(sql)
    for (start, kind), (end, _) in zip(tokens, [*tokens[1:], (len(raw), None)], strict=True):
        if kind.name == "comment":
            continue
        text = raw[start:end].decode(errors="replace").strip().lower()
        if kind.name == "string_const":
            found.append("''")
        elif kind.name == "operator":
            found.extend(character for character in text if not character.isspace())
        else:
            found.append(text.split("--")[0].split("/*")[0].strip())
    return found


class Reader:
    """Queries of people over the tables and views of a namespace."""

    def __init__(self, engine: Engine, folders: Layout, pointers: Pointers, views: Views) -> None:
        self._engine = engine
        self._layout = folders
        self._pointers = pointers
        self._views = views

    @contextmanager
    def query(self, sql: str, batch_rows: int) -> Iterator[pa.RecordBatchReader]:
        check_select(self._engine, sql)
        statement = sql.strip().rstrip(";")
        with self._engine.own_cursor() as cursor:
            known = self._known()
            mentioned = set(_WORD.findall(sql.lower())).intersection(known)
            listed = set(known) - mentioned if _lists(_words(self._engine, sql), bool(mentioned)) else set()
            try:
                self._prepare(cursor, mentioned, listed, statement)
            except StorageFailed:
                # A file may be swept after its pointer was read: the pointer names a newer one by now.
                self._prepare(cursor, mentioned, listed, statement)
            except QueryRefused as error:
                raise _with_nearest(error, known) from error
            with self._engine.stream(statement, batch_rows, cursor) as reader:
                yield reader

    def _known(self) -> tuple[str, ...]:
        return (*self._layout.tables(), *self._views.names())

    def _prepare(self, cursor: Any, mentioned: Iterable[str], listed: Iterable[str], statement: str) -> None:
        with suppress(*self._engine.error):
            cursor.execute("ROLLBACK")
        for name in mentioned:
            self._define(cursor, name)
        for name in listed:
            # A damaged table is no reason to list none.
            with suppress(AuguryError):
                self._define(cursor, name)
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        self._engine.bind(statement, cursor)

    def _define(self, cursor: Any, name: str) -> None:
        if (select := self.select(name)) is None:
            return
        try:
            cursor.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS {select}")
        except self._engine.error as error:
            raise refusals.query_refused(error) from error

    def select(self, name: str) -> str | None:
        """A parenthesised SELECT of a whole table or view; None where it has no partition at all."""
        table = self._views.get(name) or name
        folders = self._layout.folders(table)
        whole = self._pointers.whole(folders)
        if whole is not None:
            return relations.select([whole.partition])
        live = self._pointers.of_table(folders, strict=True)
        return relations.select([pointer.partition for pointer in live.values()]) if live else None


def _lists(words: list[str], names_a_table: bool) -> bool:
    """Whether a statement asks which tables there are."""
    if _CATALOGUES.intersection(word.strip('"') for word in words):
        return True
    verbs = {word for before, word in zip(["(", *words], words, strict=False) if before == "("}
    return not names_a_table and not verbs.isdisjoint(_LISTS)


def _with_nearest(error: QueryRefused, known: tuple[str, ...]) -> AuguryError:
    missing = re.search(r"table with name (\S+) does not exist", error.what, re.IGNORECASE)
    if missing:
        close = nearest(missing[1], known)
        listed = [name for name in known if TABLE.fullmatch(name)][:10]
        error.fix = f"Did you mean {close!r}?" if close else f"There are: {', '.join(listed) or 'no tables yet'}"
    return error
