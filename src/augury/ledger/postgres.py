"""What does PostgreSQL need to be a ledger? The only place with statements of PostgreSQL's own.

Each namespace of each project has a schema of its own, which is all that a connection sees. Readers see one state for
as long as a verb takes (REPEATABLE READ); writers run side by side (READ COMMITTED), and where what they read decides
what they write they exclude each other by an advisory lock (`Database.alone`).

A process that was stopped in the middle of a transaction keeps its rows locked: the server ends such a session before
those who wait give up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.engine import URL

from augury import plugins
from augury.errors import CannotStart, NamespaceError, StorageFailed
from augury.ledger.columns import metadata
from augury.ledger.database import Database
from augury.ledger.postgres_errors import explain
from augury.ledger.tables import HEAD, REVISIONS, schema_version
from augury.names import quote

BUSY_SECONDS = 30
"""How long a statement waits for the rows of another writer."""
IDLE_SECONDS = 20
"""How long a session may do nothing inside a transaction: less, so that those who wait see the end of it."""
_LONGEST_NAME = 63
"""Bytes of an identifier; the server cuts longer ones off without an error."""
_CONNECTING = {
    "application_name": "augury",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    # A server whose host vanished answers nothing, not even an error.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_SESSION = (
    "SELECT set_config('search_path', %s, false), "
    f"set_config('lock_timeout', '{BUSY_SECONDS}s', false), "
    f"set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', false)"
)
_LOOK = text(
    "SELECT current_setting('server_encoding') AS encoding, "
    "pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS read_only, "
    "coalesce(has_schema_privilege(to_regnamespace(:quoted)::oid, 'USAGE'), true) AS usable, "
    "to_regclass('alembic_version') IS NOT NULL AS made, "
    "coalesce(has_table_privilege(to_regclass('runs'), 'INSERT, UPDATE, DELETE'), true) AS granted, "
    "obj_description(to_regnamespace(:quoted), 'pg_namespace') AS comment, "
    "(SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class "
    " WHERE relnamespace = to_regnamespace(:quoted) AND relkind IN ('r', 'p', 'v', 'm')) AS relations"
)
_COMMENT = text("SELECT format('COMMENT ON SCHEMA %I IS %L', CAST(:schema AS text), CAST(:owner AS text))")


@dataclass(frozen=True)
class _Place:
    """Which ledger is meant, on which server."""

    url: URL
    schema: str
    owner: Mapping[str, str]
    """Project and namespace: two may come to the same name of a schema."""

    def __str__(self) -> str:
        host = self.url.host or self.url.query.get("host") or "the local socket"
        port = f":{self.url.port}" if self.url.port else ""
        return f"{host}{port}/{self.url.database or ''}, schema {self.schema}"

    @property
    def quoted(self) -> str:
        return quote(self.schema)


def schema_name(project: str, namespace: str) -> str:
    """`<project>_<namespace>`; a name that is too long for an identifier keeps its beginning and a hash."""
    name = f"{project}_{namespace}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def open_database(url: str, project: str, namespace: str, *, create: bool = True) -> Database | None:
    """The ledger of a namespace at a `postgresql://` address, made (with `create`) or brought up to date where needed.

    Without `create` the right to read is enough, and None says that there is no ledger yet.
    Raises StorageFailed (not to be reached, not to be written), CannotStart (written by a newer augury),
    NamespaceError (a schema that belongs to another project) and PluginError (no driver).
    """
    owner = {"project": project, "namespace": namespace}
    place = _Place(_address(url), schema_name(project, namespace), owner)
    database = _database(place)
    try:
        with database.read() as connection:
            found = _look(connection, place)
        if not found.made and not create:
            database.engine.dispose()
            return None
        if create and not found.writable:
            raise _read_only(place, found)
        if found.revision != HEAD:
            if not found.writable:
                raise _older(place, found)
            with database.write() as connection:
                _bring_up_to_date(connection, place)
    except BaseException:
        database.engine.dispose()
        raise
    return _database(place, database.engine, may_write=found.writable)


def _address(url: str) -> URL:
    # Not SQLAlchemy's own reading, which takes the end of a password with an @ in it for the host, and shows it.
    parts = urlsplit(url)
    return URL.create(
        "postgresql+psycopg",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        host=parts.hostname,
        port=parts.port,
        database=unquote(parts.path.strip("/")),
        query=dict(parse_qsl(parts.query)),
    )


def _database(place: _Place, engine: Engine | None = None, *, may_write: bool = True) -> Database:
    return Database(
        engine or _engine(place),
        str(place),
        partial(explain, schema=place.schema, password=place.url.password),
        queue=nullcontext(),
        reading={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        writing={},
        alone=partial(_alone, place.schema),
        clock=_now,
        may_write=may_write,
    )


def _engine(place: _Place) -> Engine:
    chosen = {name: value for name, value in _CONNECTING.items() if name not in place.url.query}
    try:
        engine = create_engine(
            place.url,
            connect_args=chosen,
            isolation_level="READ COMMITTED",
            pool_size=8,
            max_overflow=-1,  # a thread never waits for another one's connection
            pool_pre_ping=True,
            use_native_hstore=False,  # two queries per connection, for a type that is not used
        )
    except ImportError as error:
        raise plugins.missing_library("postgres", error) from error

    def prepare(raw: Any, _: Any) -> None:
        raw.execute(_SESSION, [place.quoted])
        raw.commit()

    # First of all listeners, so that SQLAlchemy's own first look sees the schema too.
    event.listen(engine, "connect", prepare, insert=True)
    return engine


def _alone(schema: str, connection: Connection, what: str) -> None:
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"augury {schema} {what}", 0))))


def _now(connection: Connection) -> datetime:
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


# -- making it -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    made: bool
    revision: str | None
    writable: bool
    granted: bool


def _look(connection: Connection, place: _Place) -> _Found:
    row = connection.execute(_LOOK, {"quoted": place.quoted}).one()
    if row.encoding != "UTF8":
        raise StorageFailed(
            f"the ledger cannot keep every text: {place}",
            why=f"the encoding of the database is {row.encoding}",
            fix="Make a database for it: createdb --encoding UTF8 --template template0 NAME",
        )
    _refuse_stranger(row.comment, place)
    if not row.usable:
        raise StorageFailed(
            f"the ledger cannot be read: {place}",
            why=f"the user {place.url.username or 'of this process'} has no right to its schema",
            fix=f"Name a user in `ledger` who has, or ask for the right: GRANT USAGE ON SCHEMA {place.quoted} TO ...",
        )
    if not row.made and row.relations:
        raise StorageFailed(
            f"this is not a ledger: {place}",
            why=f"a schema with the tables {row.relations[:80]}",
            fix="Move it away (ALTER SCHEMA ... RENAME TO ...), or give the target another namespace.",
        )
    revision = connection.scalar(select(schema_version.columns.version_num)) if row.made else None
    if revision is not None and revision not in REVISIONS:
        raise CannotStart(
            f"the ledger was written by a newer augury: {place}",
            why=f"its schema is {revision}, this augury knows up to {HEAD}",
            fix="Install the newer augury again: pip install --upgrade augury",
        )
    return _Found(row.made, revision, not row.read_only and row.granted, row.granted)


def _refuse_stranger(comment: str | None, place: _Place) -> None:
    try:
        owner = json.loads(comment or "null")
    except ValueError:
        return  # somebody's own words about the schema
    if isinstance(owner, dict) and owner != place.owner:
        raise NamespaceError(
            f"the schema {place.schema} belongs to {', '.join(f'{key} {value}' for key, value in owner.items())}",
            why=f"this is {', '.join(f'{key} {value}' for key, value in place.owner.items())}: {place}",
            fix="Give the target a `namespace` of its own in augury.yml.",
        )


def _read_only(place: _Place, found: _Found) -> StorageFailed:
    if not found.granted:
        return StorageFailed(
            f"the ledger cannot be written: {place}",
            why=f"the user {place.url.username or 'of this process'} may only read it",
            fix="Name a user in `ledger` who may write, or ask for the right: "
            f"GRANT ALL ON ALL TABLES IN SCHEMA {place.quoted} TO ...",
        )
    return StorageFailed(
        f"the ledger cannot be written: {place}",
        why="the server is a standby, or it is set to read only",
        fix="Name the server that takes writes in `ledger` of the target.",
    )


def _older(place: _Place, found: _Found) -> StorageFailed:
    return StorageFailed(
        f"the ledger is of an older augury: {place}",
        why=f"its schema is {found.revision} instead of {HEAD}, and this user may not change it",
        fix="Type any command that writes as a user who may, e.g. augury doctor --fix",
    )


def _bring_up_to_date(connection: Connection, place: _Place) -> None:
    """Make the schema and its tables, or run what is missing of the migrations: one process does, the others wait."""
    _alone(place.schema, connection, "schema")
    found = _look(connection, place)
    if found.revision == HEAD:
        return
    if found.made:
        from augury.ledger.migrations import upgrade

        upgrade(connection)
        return
    if connection.scalar(select(func.to_regnamespace(place.quoted))) is None:
        connection.exec_driver_sql(f"CREATE SCHEMA {place.quoted}")
    owned = "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = :schema"
    if connection.scalar(text(owned), {"schema": place.schema}):
        values = {"schema": place.schema, "owner": json.dumps(dict(place.owner))}
        connection.exec_driver_sql(connection.execute(_COMMENT, values).scalar_one())
    metadata.create_all(connection, checkfirst=False)
    schema_version.create(connection, checkfirst=False)
    connection.execute(schema_version.insert().values(version_num=HEAD))
