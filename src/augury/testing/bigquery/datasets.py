"""REST v2 `datasets`: BigQuery docs, REST "Resource: Dataset" and its methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from augury.testing.bigquery import names
from augury.testing.bigquery.catalog import Dataset, DatasetId
from augury.testing.bigquery.refusals import Refusal, duplicate, invalid
from augury.testing.bigquery.requests import Answer, Request, check_etag, etag, merged, page
from augury.testing.bigquery.store import Change, milliseconds

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

KEPT = (
    "friendlyName",
    "description",
    "labels",
    "access",
    "defaultTableExpirationMs",
    "defaultPartitionExpirationMs",
    "defaultCollation",
    "storageBillingModel",
    "maxTimeTravelHours",
)


def shown(found: Dataset) -> dict[str, Any]:
    reference = {"projectId": found.project, "datasetId": found.dataset}
    return {
        "kind": "bigquery#dataset",
        "id": f"{found.project}:{found.dataset}",
        "etag": etag(found.project, found.dataset, found.version),
        "datasetReference": reference,
        "location": found.location,
        "creationTime": str(found.created),
        "lastModifiedTime": str(found.modified),
        **found.settings,
    }


def create(change: Change, project: str, dataset: str, location: str, settings: Mapping[str, Any]) -> Dataset:
    key = (names.project(project), names.dataset(dataset))
    if key in change.state.datasets:
        raise duplicate("Dataset", ":".join(key))
    now = milliseconds()
    made = Dataset(*key, names.location(location), now, now, change.next_version(), _settings(settings))
    change.put(made)
    return made


def _settings(found: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: found[key] for key in KEPT if found.get(key) is not None}
    if "labels" in kept:
        kept["labels"] = names.labels(kept["labels"])
    return kept


def insert(service: Service, request: Request, project: str) -> Answer:
    body = request.body()
    reference = body.get("datasetReference") or {}
    if not isinstance(reference, Mapping):
        raise invalid("datasetReference must be an object.")
    with service.store.change() as change:
        made = create(change, project, reference.get("datasetId", ""), body.get("location") or "US", body)
    return Answer(shown(made))


def get(service: Service, request: Request, project: str, dataset: str) -> Answer:
    with service.store.snapshot() as now:
        return Answer(shown(now.dataset((names.project(project), names.dataset(dataset)))))


def list_(service: Service, request: Request, project: str) -> Answer:
    names.project(project)
    hidden = request.flag("all")
    found = [
        one
        for one in sorted(service.store.state.datasets.values(), key=lambda one: one.dataset)
        if one.project == project and (hidden or not one.dataset.startswith("_")) and _passes(one, request)
    ]
    part, more = page(request, found)
    items = []
    for one in part:
        whole = shown(one)
        keys = ("kind", "id", "datasetReference", "labels", "friendlyName", "location")
        items.append({key: whole[key] for key in keys if key in whole})
    return Answer({"kind": "bigquery#datasetList", "etag": etag(len(found)), "datasets": items, **more})


def _passes(found: Dataset, request: Request) -> bool:
    """`filter` is `labels.key[:value]`, several of them with a space between."""
    labels = found.settings.get("labels", {})
    for term in request.query.get("filter", "").split():
        key, given, value = term.removeprefix("labels.").partition(":")
        if not term.startswith("labels."):
            raise invalid(f"Invalid filter {term!r}: labels.key or labels.key:value.")
        if key not in labels or (given and labels[key] != value):
            return False
    return True


def update(service: Service, request: Request, project: str, dataset: str) -> Answer:
    """PATCH merges, PUT replaces."""
    body = request.body()
    with service.store.change() as change:
        before = change.dataset((names.project(project), names.dataset(dataset)))
        check_etag(request, shown(before)["etag"])
        if body.get("location") and names.location(body["location"]) != before.location:
            raise invalid("Cannot change the location of a dataset.")
        given = {key: value for key, value in body.items() if key in KEPT}
        settings = _settings(merged(before.settings, given) if request.method == "PATCH" else given)
        after = replace(before, settings=settings, modified=milliseconds(), version=change.next_version())
        change.put(after)
    return Answer(shown(after))


def delete(service: Service, request: Request, project: str, dataset: str) -> Answer:
    drop(service, names.project(project), names.dataset(dataset), contents=request.flag("deleteContents"))
    return Answer(status=204)


def drop(service: Service, project: str, dataset: str, *, contents: bool) -> None:
    with service.store.change() as change:
        remove(service, change, (project, dataset), contents=contents)


def remove(service: Service, change: Change, key: DatasetId, *, contents: bool) -> None:
    change.dataset(key)
    inside = [one for one in change.state.tables if one.within == key]
    if (inside or service.models.names(*key)) and not contents:
        raise Refusal("resourceInUse", f"Dataset {':'.join(key)} is still in use")
    for one in inside:
        change.remove(one)
    change.remove(key)
    service.models.forget(*key)
