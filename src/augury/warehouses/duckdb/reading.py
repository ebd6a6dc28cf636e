"""Does a statement only read, and how does a person query tables by their plain names?

DuckDB calls `WITH x AS (DELETE ...) SELECT ...` a SELECT, so its type alone proves nothing: the words are
looked at as well, and a person's query runs in a transaction that the engine itself keeps from writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z_][a-z0-9_]*")


def check_select(engine: Engine, sql: str) -> None:
    """Raise UsageError unless `sql` is exactly one statement that only reads; QueryRefused where it cannot be
    parsed."""
    found = engine.statements(sql)
    if len(found) != 1:
        raise _not_allowed("no statement" if not found else f"{len(found)} statements")
    kind = found[0].type.name
    if kind == "EXPLAIN" and (explained := _EXPLAIN.match(sql)):
        check_select(engine, sql[explained.end() :])
        return
    if kind != "SELECT":
        raise _not_allowed(kind.replace("_", " "))
    words = _words(engine, sql)
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if before == "(" and word in _WRITES:
            following = _WRITES[word]
            if after in following if following is not None else _names_something(after):
                raise _not_allowed(word.upper())
        if after == "(" and word.strip('"') in _ACTING:
            raise _not_allowed(f"the function {word}")


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
            mentioned = [name for name in known if name in set(_WORD.findall(sql.lower()))]
            try:
                self._prepare(cursor, mentioned, statement)
            except StorageFailed:
                # A file may be swept after its pointer was read: the pointer names a newer one by now.
                self._prepare(cursor, mentioned, statement)
            except QueryRefused as error:
                raise _with_nearest(error, known) from error
            with self._engine.stream(statement, batch_rows, cursor) as reader:
                yield reader

    def _known(self) -> tuple[str, ...]:
        return (*self._layout.tables(), *self._views.names())

    def _prepare(self, cursor: Any, names: list[str], statement: str) -> None:
        with suppress(*self._engine.error):
            cursor.execute("ROLLBACK")
        for name in names:
            if (select := self.select(name)) is None:
                continue
            try:
                cursor.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS {select}")
            except self._engine.error as error:
                raise refusals.query_refused(error) from error
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        self._engine.bind(statement, cursor)

    def select(self, name: str) -> str | None:
        """A parenthesised SELECT of a whole table or view; None where it has no partition at all."""
        table = self._views.get(name) or name
        folders = self._layout.folders(table)
        whole = self._pointers.whole(folders)
        if whole is not None:
            return relations.select([whole.partition])
        live = self._pointers.of_table(folders, strict=True)
        return relations.select([pointer.partition for pointer in live.values()]) if live else None


def _with_nearest(error: QueryRefused, known: tuple[str, ...]) -> AuguryError:
    missing = re.search(r"table with name (\S+) does not exist", error.what, re.IGNORECASE)
    if missing:
        close = nearest(missing[1], known)
        listed = [name for name in known if TABLE.fullmatch(name)][:10]
        error.fix = f"Did you mean {close!r}?" if close else f"There are: {', '.join(listed) or 'no tables yet'}"
    return error
