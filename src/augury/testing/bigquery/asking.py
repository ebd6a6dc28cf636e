"""What does a statement of DDL work with, and what does it say it did?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from augury.testing.bigquery import names
from augury.testing.bigquery.catalog import TableId
from augury.testing.bigquery.clauses import Reader
from augury.testing.bigquery.parameters import Parameters
from augury.testing.bigquery.refusals import invalid
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.store import Change

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service


@dataclass(frozen=True)
class Asked:
    """A statement in the middle of its change."""

    service: Service
    change: Change
    scope: Scope
    reader: Reader
    parameters: Parameters


@dataclass(frozen=True)
class Done:
    """What a statement of DDL did, as the statistics of its job say it."""

    kind: str
    operation: str
    target: TableId | None = None


def target(asked: Asked, *, exists: bool = True) -> TableId:
    """The table that the statement is about, whose name and place are checked."""
    found = asked.scope.id_of(asked.reader.path())
    plain, decorator = names.table(found.table)
    if decorator is not None:
        raise invalid(f"Invalid table ID {found.table!r}: a statement names the whole table.")
    names.project(found.project)
    names.dataset(found.dataset)
    if exists or found.within in asked.change.state.datasets:
        asked.scope.located(found.within)
    return TableId(found.project, found.dataset, plain)
