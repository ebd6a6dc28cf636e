"""REST v2 `tables`: BigQuery docs, REST "Resource: Table" and its methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from augury.testing.bigquery import names, partitions, summaries, views
from augury.testing.bigquery.catalog import Table, TableId
from augury.testing.bigquery.refusals import duplicate, invalid, missing, not_imitated
from augury.testing.bigquery.requests import Answer, Request, check_etag, etag, merged, page
from augury.testing.bigquery.schema import Field, fields_of, named
from augury.testing.bigquery.schema import shown as schema_shown
from augury.testing.bigquery.store import Change, milliseconds
from augury.testing.bigquery.writing import add_column, clustered, new_table

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

KEPT = ("friendlyName", "description", "labels", "expirationTime", "requirePartitionFilter", "defaultCollation")
REFUSED = (
    "externalDataConfiguration",
    "materializedView",
    "rangePartitioning",
    "snapshotDefinition",
    "cloneDefinition",
    "encryptionConfiguration",
    "tableConstraints",
    "biglakeConfiguration",
)


def id_of(project: str, dataset: str, table: str) -> tuple[TableId, str | None]:
    plain, decorator = names.table(table)
    return TableId(names.project(project), names.dataset(dataset), plain), decorator


def id_from(reference: Any, project: str = "") -> tuple[TableId, str | None]:
    """A `TableReference` of a request."""
    if not isinstance(reference, Mapping):
        raise invalid("A table reference must be an object with projectId, datasetId and tableId.")
    return id_of(reference.get("projectId") or project, reference.get("datasetId", ""), reference.get("tableId", ""))


def shown(service: Service, found: Table, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """`size` is (rows, bytes); without it the resource is as in a list."""
    dataset = service.store.state.datasets.get(found.id.within)
    out: dict[str, Any] = {
        "kind": "bigquery#table",
        "id": str(found.id),
        "tableReference": found.id.shown(),
        "type": "VIEW" if found.view is not None else "TABLE",
        "creationTime": str(found.created),
        **{key: found.settings[key] for key in ("friendlyName", "labels", "expirationTime") if key in found.settings},
    }
    if found.partitioning is not None:
        out["timePartitioning"] = found.partitioning.shown()
    if found.clustering:
        out["clustering"] = {"fields": list(found.clustering)}
    if found.view is not None:
        out["view"] = {"query": found.view, "useLegacySql": False}
    if size is None:
        return out
    rows, weight = size
    return {
        **out,
        **found.settings,
        "etag": tag(found),
        "location": dataset.location if dataset else "US",
        "schema": schema_shown(found.fields),
        "lastModifiedTime": str(found.modified),
        "numRows": str(rows),
        "numBytes": str(weight),
        "numLongTermBytes": "0",
    }


def tag(found: Table) -> str:
    return etag(found.id, found.version)


def settings_of(found: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: found[key] for key in KEPT if found.get(key) is not None}
    if "labels" in kept:
        kept["labels"] = names.labels(kept["labels"])
    return kept


def insert(service: Service, request: Request, project: str, dataset: str) -> Answer:
    body = request.body()
    for key in REFUSED:
        if body.get(key):
            raise not_imitated(f"tables with {key}")
    found, decorator = id_from({"datasetId": dataset, **(body.get("tableReference") or {})}, project)
    if decorator is not None or found.within != (project, dataset):
        raise invalid(f"Invalid table ID {found}.")
    with service.store.change() as change:
        change.dataset(found.within)
        if found in change.state.tables:
            raise duplicate("Table", str(found))
        if body.get("view"):
            made = views.define(service, change, found, body["view"], settings_of(body))
        else:
            fields = fields_of((body.get("schema") or {}).get("fields") or ())
            partitioning = partitions.asked(body.get("timePartitioning"), fields)
            columns = clustered((body.get("clustering") or {}).get("fields") or (), fields)
            made = new_table(change, found, fields, partitioning, clustering=columns, settings=settings_of(body))
    return Answer(shown(service, made, (0, 0)))


def get(service: Service, request: Request, project: str, dataset: str, table: str) -> Answer:
    if table.endswith(summaries.SUFFIX):
        with service.store.snapshot() as now:
            return Answer(
                summaries.resource(now.table(id_of(project, dataset, table.removesuffix(summaries.SUFFIX))[0]))
            )
    found, decorator = id_of(project, dataset, table)
    with service.store.snapshot() as now:
        it = now.table(found)
        if decorator is not None:
            partitions.predicate(it, decorator)
        return Answer(shown(service, it, service.sizes.of(now.cursor, it)))


def list_(service: Service, request: Request, project: str, dataset: str) -> Answer:
    key = (names.project(project), names.dataset(dataset))
    with service.store.snapshot() as now:
        now.dataset(key)
        found = sorted(one for one in now.state.tables if one.within == key)
        part, more = page(request, found)
        items = [shown(service, now.state.tables[one]) for one in part]
    return Answer({"kind": "bigquery#tableList", "tables": items, "totalItems": len(found), **more})


def update(service: Service, request: Request, project: str, dataset: str, table: str) -> Answer:
    """PATCH merges, PUT replaces; columns may be added and relaxed, never lost (BigQuery docs: "Modifying table
    schemas")."""
    body = request.body()
    found, _ = id_of(project, dataset, table)
    with service.store.change() as change:
        before = change.table(found)
        check_etag(request, tag(before))
        after = before
        if body.get("schema"):
            after = reshaped(change, after, fields_of(body["schema"].get("fields") or ()))
        if body.get("view"):
            after = views.define(service, change, found, body["view"], dict(after.settings))
        given = {key: value for key, value in body.items() if key in KEPT}
        parts = {} if request.method == "PUT" else before.settings
        after = after.changed(change.next_version(), milliseconds(), settings=settings_of(merged(parts, given)))
        if "timePartitioning" in body:
            after = _repartitioned(after, body["timePartitioning"])
        change.put(after)
        size = service.sizes.of(change.cursor, after)
    return Answer(shown(service, after, size))


def _repartitioned(table: Table, given: Any) -> Table:
    """Only the expiration of partitions can change."""
    wanted = partitions.asked(given, table.fields)
    before = table.partitioning
    if wanted is None or before is None or (wanted.type, wanted.field) != (before.type, before.field):
        raise invalid("Cannot change the partitioning of an existing table.")
    return Table(**{**vars(table), "partitioning": wanted})


def reshaped(change: Change, table: Table, wanted: tuple[Field, ...]) -> Table:
    for one in table.fields:
        new = named(wanted, one["name"])
        lost = new is None or new["type"] != one["type"]
        tightened = (
            new is not None and new["mode"] != one["mode"] and (one["mode"], new["mode"]) != ("REQUIRED", "NULLABLE")
        )
        if lost or tightened:
            raise invalid(
                f"Provided Schema does not match Table {table.id}. Field {one['name']} is missing in new schema or has "
                "changed."
            )
    for one in wanted:
        if named(table.fields, one["name"]) is None:
            if one["mode"] == "REQUIRED":
                raise invalid(
                    f"Provided Schema does not match Table {table.id}. Cannot add required fields to an existing "
                    f"schema. (field: {one['name']})"
                )
            table = add_column(change, table, one)
    ordered = tuple(named(wanted, one["name"]) or one for one in table.fields)
    return Table(**{**vars(table), "fields": ordered})


def delete(service: Service, request: Request, project: str, dataset: str, table: str) -> Answer:
    """A decorated name deletes one partition."""
    found, decorator = id_of(project, dataset, table)
    with service.store.change() as change:
        it = change.table(found)
        if decorator is None:
            change.remove(found)
        else:
            inside = partitions.predicate(it, decorator)
            gone = change.cursor.execute(f"DELETE FROM {it.physical} WHERE {inside}").fetchall()[0][0]
            if not gone:
                raise missing("Partition", f"{found}${decorator}")
            change.put(it.changed(change.next_version(), milliseconds()))
    return Answer(status=204)
