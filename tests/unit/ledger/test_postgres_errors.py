"""What is said of PostgreSQL's complaints? Of those that a test cannot easily bring about."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from augury.ledger.database import ConnectionLost, Undone
from augury.ledger.postgres_errors import explain

FAILED = 'connection failed: connection to server at "db" (10.0.0.1), port 5432 failed: '


@pytest.mark.parametrize(
    ("error", "what", "fix"),
    [
        (psycopg.OperationalError(FAILED + "Connection refused"), "cannot be reached", "server runs"),
        (psycopg.OperationalError("failed to resolve host 'db': [Errno -2]"), "cannot be reached", "augury.yml"),
        (errors.ConnectionTimeout("connection timeout expired"), "cannot be reached", "server runs"),
        (psycopg.OperationalError(FAILED + 'FATAL:  database "x" does not exist'), "does not exist", "createdb"),
        (psycopg.OperationalError(FAILED + 'FATAL:  role "x" does not exist'), "let this user in", "password"),
        (psycopg.OperationalError(FAILED + "fe_sendauth: no password supplied"), "let this user in", "password"),
        (psycopg.OperationalError(FAILED + 'FATAL:  no pg_hba.conf entry for host "h"'), "let this user in", "user"),
        (psycopg.OperationalError(FAILED + "FATAL:  sorry, too many clients already"), "no connection left", "max_con"),
        (psycopg.OperationalError(FAILED + "FATAL:  the database system is starting up"), "not up", "again"),
        (psycopg.ProgrammingError('invalid URI query parameter: "x"'), "cannot be used", "augury.yml"),
        (errors.TooManyConnections(), "no connection left", "--max-parallel"),
        (errors.DiskFull(), "cannot grow", "Free disk space"),
        (errors.ReadOnlySqlTransaction(), "cannot be written", "standby"),
        (errors.InsufficientPrivilege("permission denied for database x"), "by this user", 'SCHEMA IF NOT EXISTS "s"'),
        (errors.LockNotAvailable(), "busy for too long", "pg_stat_activity"),
        (errors.UndefinedTable(), "damaged", "copy"),
        (errors.ConfigFileError(), "cannot be used", "log of its server"),
    ],
    ids=lambda value: str(value)[-40:] if isinstance(value, Exception) else "",
)
def test_a_complaint_is_explained(error: Exception, what: str, fix: str) -> None:
    trouble = explain(error, schema="s", password=None)
    assert trouble is not None
    assert what in trouble.what
    assert fix in trouble.fix


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.SerializationFailure(), Undone),
        (errors.DeadlockDetected(), Undone),
        (errors.AdminShutdown("terminating connection due to administrator command"), ConnectionLost),
        (errors.CrashShutdown(), ConnectionLost),
        (errors.IdleInTransactionSessionTimeout(), ConnectionLost),
        (errors.ConnectionFailure(), ConnectionLost),
        (psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly"), ConnectionLost),
        (psycopg.OperationalError("the connection is closed"), ConnectionLost),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_may_be_tried_again_is_known(error: Exception, kind: type[Exception]) -> None:
    trouble = explain(error, schema="s", password=None)
    assert trouble is not None
    assert trouble.kind is kind


@pytest.mark.parametrize(
    "error",
    [errors.UniqueViolation(), errors.SyntaxError(), errors.NumericValueOutOfRange(), psycopg.DataError("a NUL")],
    ids=lambda error: type(error).__name__,
)
def test_a_mistake_of_augury_is_not_explained_away(error: Exception) -> None:
    assert explain(error, schema="s", password=None) is None


def test_a_password_is_never_shown() -> None:
    trouble = explain(psycopg.OperationalError(FAILED + "hunter2 is wrong\n\tand more"), schema="s", password="hunter2")
    assert trouble is not None
    assert trouble.why == FAILED.strip() + " *** is wrong and more"
