"""Views: BigQuery docs, "Introduction to views", "Create views". Replacing one is a change of the catalogue, so a
reader has the old or the new query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from augury.sql.bigquery_ml.queries import is_ml
from augury.testing.bigquery import selects
from augury.testing.bigquery.catalog import Table, TableId
from augury.testing.bigquery.refusals import invalid, not_imitated
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.statements import split
from augury.testing.bigquery.store import Change, milliseconds

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service


def define(
    service: Service, change: Change, found: TableId, view: Mapping[str, Any], settings: dict[str, Any]
) -> Table:
    """Create or replace a view from a `ViewDefinition`, whose query must be understood."""
    if view.get("useLegacySql", True):
        raise not_imitated("views in legacy SQL: send useLegacySql false")
    sql = view.get("query")
    statements = split(str(sql or ""))
    if len(statements) != 1 or statements[0].kind != "SELECT":
        raise invalid("The query of a view must be one SELECT.")
    if is_ml(statements[0].text):
        raise not_imitated("views with ML functions (give the query itself, or a table)")
    before = change.state.tables.get(found)
    if before is not None and before.view is None:
        raise invalid(f"{found} is a table and not a view.")
    location = change.dataset(found.within).location
    scope = Scope(service, change, found.project, location=location, depth=1)
    fields = selects.prepare(statements[0].text, scope).fields
    now = milliseconds()
    made = Table(
        found,
        None,
        fields,
        before.created if before else now,
        now,
        change.next_version(),
        view=statements[0].text,
        settings=settings,
    )
    change.put(made)
    return made
