"""What is a thing called in BigQuery: tables, partitions, jobs, labels, values in SQL?

Names are checked once and then only quoted; values become typed literals on one line, so that a position in an error
stays one in the user's own text.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from augury.errors import NamespaceError, UsageError
from augury.names import quote as quote_for

OWN = "_augury_"
"""How augury's own tables begin; no table of a pipeline can."""
JOURNAL = OWN + "partitions"
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,199}")
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_LABEL = re.compile(r"[^\w-]")
_LABEL_LENGTH = 63
_MOST_LABELS = 64
_FORBIDDEN = set('!"$()*,./;?@[\\]^`{}~\n\r\t')
"""What a column may not be called (BigQuery docs: 'Specifying a schema', 'Flexible column names')."""


def quote(name: str) -> str:
    return quote_for(name, "bigquery")


@dataclass(frozen=True)
class TableId:
    """A table, or a model, with everything before it."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"

    @property
    def sql(self) -> str:
        return quote(str(self))

    def shard(self, day: date) -> TableId:
        return TableId(self.project, self.dataset, f"{self.table}_{day:%Y%m%d}")


def checked_table(table: str) -> str:
    """`table`, where it can be a table of the namespace. Anything else, such as a dataset's, raises NamespaceError."""
    if not _TABLE.fullmatch(table):
        raise NamespaceError(
            f"{table!r} cannot be a table of this namespace",
            why="a table's name is lower-case letters, digits and _, beginning with a letter",
        )
    return table


def checked_run_id(run_id: str) -> str:
    if not _RUN_ID.fullmatch(run_id):
        raise UsageError(f"{run_id!r} cannot be a run id", why="it becomes a part of job ids and labels")
    return run_id


def column_problem(name: str) -> str | None:
    """Why BigQuery has no column of that name; None where it may have one."""
    found = sorted(_FORBIDDEN.intersection(name))
    if not name or found:
        return f"column {name!r}: BigQuery allows none of {' '.join(map(repr, found)) or 'nothing'} in a column's name"
    return f"column {name[:20]!r}... is longer than 300 characters" if len(name) > 300 else None


# -- jobs ----------------------------------------------------------------------------------------------------


def job_id(namespace: str, table: str, day: date | None, run_id: str, fingerprint: str, attempt: int) -> str:
    """The same for the same attempt at the same write, in every process (BigQuery docs: 'Running jobs
    programmatically'): a second insert is answered with 409, and never does the work twice."""
    named = "\0".join((namespace, table, day.isoformat() if day else "", run_id, fingerprint, str(attempt)))
    return f"augury_{hashlib.sha256(named.encode()).hexdigest()[:40]}_{attempt}"


def fresh_id() -> str:
    """An id that nothing else has; also a label."""
    return secrets.token_hex(12)


def label(value: str) -> str:
    """`value` as BigQuery allows it (BigQuery docs: 'Requirements for labels'): lower-case letters, digits, _ and -."""
    return _LABEL.sub("_", value.lower())[:_LABEL_LENGTH]


def labels(*given: Mapping[str, str]) -> dict[str, str]:
    """Labels of several owners in one, later ones first; keys begin with a letter."""
    found: dict[str, str] = {}
    for each in given:
        for key, value in each.items():
            name = label(key)
            found[name if name[:1].isalpha() else f"x{name}"[:_LABEL_LENGTH]] = label(value)
    return dict(list(found.items())[-_MOST_LABELS:])


# -- values --------------------------------------------------------------------------------------------------


def literal(value: str | date | datetime) -> str:
    """A typed literal on one line. Naive datetimes become DATETIME, aware ones TIMESTAMP in UTC."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return f"DATETIME '{value.isoformat(sep=' ')}'"
        return f"TIMESTAMP '{value.astimezone(UTC).isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"
