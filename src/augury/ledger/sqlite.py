"""What does SQLite need to be a ledger? The only place with statements of SQLite's own.

The journal is a write-ahead log: readers never wait, one writer at a time. `synchronous` is NORMAL: a
committed transaction is in the operating system's hands, so it survives the death of the process (kill -9)
without a sync per commit (0.1 ms instead of 2-10 ms). A power cut may lose the last commits but never damages
the file; the pointers in the warehouse are synced, and recovery rolls the ledger forward from them.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.pool import StaticPool

from augury.errors import CannotStart, StorageFailed
from augury.ledger.columns import metadata
from augury.ledger.database import Database, Trouble
from augury.ledger.tables import HEAD, REVISIONS, schema_version

BUSY_SECONDS = 30.0
"""How long a writer waits for the writers of other processes."""

KEEP_IT = "Published tables are not affected."
_ADVICE = (
    ("readonly", "the ledger cannot be written", "Give this user write access to the file and its folder."),
    (
        "unable to open",
        "the ledger cannot be opened",
        "Give this user write access to the file and its folder.",
    ),
    (
        "locked",
        f"the ledger was busy for {BUSY_SECONDS:.0f} s",
        "Look for a process that hangs, then try again.",
    ),
    ("full", "the ledger cannot grow", "Free disk space, then run the same command again."),
    ("not a database", "this is not a ledger", f"Move it away to begin a new ledger. {KEEP_IT}"),
    ("malformed", "the ledger is damaged", f"Restore a copy, or move it away to begin a new one. {KEEP_IT}"),
    ("no such", "the ledger is damaged", f"Restore a copy, or move it away to begin a new one. {KEEP_IT}"),
)


def explain(error: BaseException) -> Trouble | None:
    """What happened and what to do, from SQLite's message."""
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return None
    message = str(error)
    for words, what, fix in _ADVICE:
        if words in message:
            return Trouble(what, fix)
    return Trouble("the ledger cannot be used", f"Check the disk and the folder. {KEEP_IT}")


def open_file(path: Path, *, create: bool = True) -> Database:
    """The ledger in `path`, made (with `create`, else one in memory) or brought up to date where needed.

    Without `create` the right to read is enough.
    Raises StorageFailed (unreadable, not writable, not a ledger) and CannotStart (written by a newer augury).
    """
    try:
        if not path.exists():
            if not create:
                return open_memory()
            _make(path)
        readable = not create and not _may_write(path)
        if not readable and not os.access(path, os.W_OK):
            raise PermissionError(13, "no write access")
    except OSError as error:
        raise StorageFailed(
            f"the ledger cannot be written: {path}",
            why=error.strerror or str(error),
            fix="Give this user write access to the file and its folder; check that the disk is not full.",
        ) from error
    engine = _engine(path, query=_reading(path) if readable else {})
    database = Database(engine, str(path), explain, may_write=not readable)
    try:
        with database.read() as connection:
            found = _revision(connection, path)
        if found != HEAD:
            _bring_up_to_date(path)
    except sqlite3.Error as error:
        database.engine.dispose()
        trouble = explain(error)
        if trouble is None:
            raise
        raise StorageFailed(f"{trouble.what}: {path}", why=str(error), fix=trouble.fix) from error
    except BaseException:
        database.engine.dispose()
        raise
    return database


def open_memory() -> Database:
    """An empty ledger that lives as long as this object."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    _listen(engine, foreign_keys=True)
    database = Database(engine, "memory", explain, one_connection=True)
    with database.write() as connection:
        _create_all(connection)
    return database


def _may_write(path: Path) -> bool:
    """SQLite writes files beside a database with a write-ahead log even to read it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _reading(path: Path) -> dict[str, str]:
    """Parameters of a connection for somebody who may not write. Where no log lies beside the file nobody has it
    open, and it can be read as it is; else the owner's shared memory is used."""
    alone = not path.with_name(f"{path.name}-wal").exists()
    return {"mode": "ro", "uri": "true", **({"immutable": "1"} if alone else {})}


def _engine(path: Path, *, foreign_keys: bool = True, query: Mapping[str, str] | None = None) -> Engine:
    database = f"file:{urllib.parse.quote(str(path))}" if query else str(path)
    engine = create_engine(
        URL.create("sqlite", database=database, query=dict(query or {})),
        connect_args={"timeout": BUSY_SECONDS},
        pool_size=4,
        max_overflow=-1,  # a thread never waits for another one's connection
    )
    _listen(engine, foreign_keys)
    return engine


def _listen(engine: Engine, foreign_keys: bool) -> None:
    def prepare(raw: Any, _: Any) -> None:
        raw.isolation_level = None  # transactions begin below, not behind our back
        raw.execute("PRAGMA synchronous=NORMAL")
        raw.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")

    def begin(connection: Connection) -> None:
        # A transaction that starts as a reader and turns writer fails at once when another writer came in
        # between, whatever the busy timeout says; one that says so at its start waits.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)


def _make(path: Path) -> None:
    """A new ledger, complete before anybody can see it: two processes may do this at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    engine = _engine(draft)
    try:
        with Database(engine, str(path), explain).write() as connection:
            _create_all(connection)
        engine.dispose()
        _use_write_ahead_log(draft)
        os.link(draft, path)
    except FileExistsError:
        pass  # somebody else was first, with the same content
    finally:
        engine.dispose()
        draft.unlink(missing_ok=True)


def _use_write_ahead_log(path: Path) -> None:
    raw = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        raw.execute("PRAGMA journal_mode=WAL")
    finally:
        raw.close()


def _create_all(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    schema_version.create(connection, checkfirst=False)
    connection.execute(schema_version.insert().values(version_num=HEAD))


def _revision(connection: Connection, path: Path) -> str | None:
    """The schema's number; None for an empty database."""
    if schema_version.name not in (tables := inspect(connection).get_table_names()):
        if tables:
            raise StorageFailed(
                f"this is not a ledger: {path}",
                why=f"a database with the tables {', '.join(sorted(tables)[:5])}",
                fix=f"Move it away to begin a new ledger. {KEEP_IT}",
            )
        return None
    found = connection.scalar(select(schema_version.columns.version_num))
    if found is not None and found not in REVISIONS:
        raise CannotStart(
            f"the ledger was written by a newer augury: {path}",
            why=f"its schema is {found}, this augury knows up to {HEAD}",
            fix="Install the newer augury again: pip install --upgrade augury",
        )
    return found


def _bring_up_to_date(path: Path) -> None:
    from augury.ledger.migrations import upgrade

    _use_write_ahead_log(path)
    # Rebuilding a table under foreign keys would delete the rows that point to it.
    engine = _engine(path, foreign_keys=False)
    try:
        with Database(engine, str(path), explain).write() as connection:
            # Another process may have done it while this one waited to write.
            if _revision(connection, path) != HEAD:
                upgrade(connection)
    finally:
        engine.dispose()
