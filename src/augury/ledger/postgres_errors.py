"""What does a complaint of PostgreSQL, or of its driver, mean to people?"""

from __future__ import annotations

import re
from dataclasses import replace

from augury.ledger.database import ConnectionLost, Trouble, Undone
from augury.names import quote
from augury.spec.secrets import Masker

_ADDRESS = "`ledger` of the target in augury.yml"
_AGAIN = "then run the same command again: it goes on where this one stopped."
_UNDONE = Trouble("the ledger undid what met another writer", "Run the same command again.", Undone)
_LOST = Trouble("the connection to the ledger broke", f"Look whether the server runs, {_AGAIN}", ConnectionLost)
_DAMAGED = Trouble("the ledger is damaged", "Restore its schema from a copy. Published tables are not affected.")
_FULL = Trouble(
    "the server of the ledger has no connection left",
    "Raise max_connections on the server, or do less at a time: --max-parallel.",
)
_CODES = {
    "40001": _UNDONE,
    "40P01": _UNDONE,
    "55P03": Trouble(
        "the ledger was busy for too long",
        f"Look for a session that hangs inside a transaction (pg_stat_activity), {_AGAIN}",
    ),
    "25006": Trouble(
        "the ledger cannot be written", f"It is a standby or set to read only: name another server in {_ADDRESS}."
    ),
    "53100": Trouble("the ledger cannot grow", f"Free disk space on its server, {_AGAIN}"),
    "53300": _FULL,
    "42P01": _DAMAGED,
    "42703": _DAMAGED,
    "3F000": _DAMAGED,
    "25P03": _LOST,
    "57P01": _LOST,
    "57P02": _LOST,
    "57P03": _LOST,
}
"""By SQLSTATE."""
_OURS = ("22", "23", "42")
"""Classes of SQLSTATE that mean a mistake of augury's own, where none of the above applies."""
_CONNECTING = re.compile("connection failed|connection is bad|resolve host|timeout expired|connection option|URI")
_WORDS = (
    (
        re.compile('password|authentication|pg_hba|role ".*" does not exist|not permitted to log in'),
        Trouble(
            "the server of the ledger does not let this user in", f"Correct the user and the password in {_ADDRESS}."
        ),
    ),
    (
        re.compile('database ".*" does not exist'),
        Trouble("the database of the ledger does not exist", "Make it: createdb --encoding UTF8 NAME"),
    ),
    (re.compile("too many clients|too many connections|connection slots"), _FULL),
    (re.compile("starting up|shutting down|recovery mode"), Trouble("the server of the ledger is not up", _AGAIN)),
    (
        re.compile("connection option|URI"),
        Trouble("the address of the ledger cannot be used", f"Correct it in {_ADDRESS}."),
    ),
)
"""Of a connection that could not be made there is no code, only what was said."""
_UNREACHABLE = Trouble(
    "the ledger cannot be reached", f"Look whether the server runs, and whether {_ADDRESS} names it."
)


def explain(error: BaseException, *, schema: str, password: str | None) -> Trouble | None:
    """What happened and what to do; None for a mistake of augury's own."""
    trouble = _by_code(error, schema) if getattr(error, "sqlstate", None) else _by_words(error)
    return trouble and replace(trouble, why=Masker([password or ""]).mask(" ".join(str(error).split())))


def _by_code(error: BaseException, schema: str) -> Trouble | None:
    code: str = getattr(error, "sqlstate", "")
    if code in _CODES:
        return _CODES[code]
    if code == "42501":
        right = f"CREATE SCHEMA IF NOT EXISTS {quote(schema)} AUTHORIZATION ..."
        return Trouble("the ledger cannot be used by this user", f"Ask for a schema of its own: {right}")
    if code[:2] == "08":
        return _LOST
    return None if code[:2] in _OURS else Trouble("the ledger cannot be used", "See the log of its server.")


def _by_words(error: BaseException) -> Trouble | None:
    from psycopg import InterfaceError, OperationalError

    message = str(error)
    if _CONNECTING.search(message):
        return next((trouble for words, trouble in _WORDS if words.search(message)), _UNREACHABLE)
    return _LOST if isinstance(error, OperationalError | InterfaceError) else None
