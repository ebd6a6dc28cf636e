"""REST v2 `models`: BigQuery docs, REST "Resource: Model" and its methods."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.bigquery_ml.manifest import Manifest
from augury.bigquery_ml.store import ModelStore
from augury.testing.bigquery import names as checked
from augury.testing.bigquery.catalog import TableId
from augury.testing.bigquery.refusals import missing, not_imitated
from augury.testing.bigquery.requests import Answer, Request, check_etag, etag, merged, page

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

TYPES = {"linear_reg": "LINEAR_REGRESSION", "logistic_reg": "LOGISTIC_REGRESSION"}
"""Where `Model.modelType` is not MODEL_TYPE in capitals."""


class Models:
    """Trained models, by project, dataset and name. Safe to use from several threads."""

    def __init__(self, folder: Path | None) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="augury-models-") if folder is None else None
        root = Path(self._temporary.name) if self._temporary else folder
        assert root is not None
        self.files = root / "files"
        """Where MODEL_PATH and EXPORT MODEL may read and write."""
        self.files.mkdir(parents=True, exist_ok=True)
        self.store = ModelStore(root / "models")
        self.store.root.mkdir(exist_ok=True)

    def close(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def manifest(self, name: TableId) -> Manifest | None:
        found = self.store.get(name)
        return None if found is None or found.expired(datetime.now(UTC)) else found

    def names(self, project: str, dataset: str) -> list[str]:
        return [one.name[2] for one in self.of(project, dataset)]

    def of(self, project: str, dataset: str) -> list[Manifest]:
        now = datetime.now(UTC)
        return [one for one in self.store.list() if one.name[:2] == (project, dataset) and not one.expired(now)]

    def forget(self, project: str, dataset: str) -> None:
        """Drop the models of a dataset that is gone."""
        for name in self.names(project, dataset):
            self.store.drop((project, dataset, name))


def shown(service: Service, found: Manifest) -> dict[str, Any]:
    project, dataset, name = found.name
    place = service.store.state.datasets.get((project, dataset))
    out: dict[str, Any] = {
        "etag": etag(*found.name, found.version, found.modified),
        "modelReference": {"projectId": project, "datasetId": dataset, "modelId": name},
        "creationTime": _milliseconds(found.created),
        "lastModifiedTime": _milliseconds(found.modified),
        "modelType": TYPES.get(found.model_type, found.model_type.upper()),
        "location": place.location if place else "US",
        "featureColumns": [_column(*one) for one in found.features],
        "labelColumns": [_column(*one) for one in found.labels],
        "labels": dict(found.tags),
    }
    if found.description:
        out["description"] = found.description
    if found.friendly_name:
        out["friendlyName"] = found.friendly_name
    if found.expires:
        out["expirationTime"] = _milliseconds(found.expires)
    return out


def _milliseconds(moment: str) -> str:
    return str(int(datetime.fromisoformat(moment).timestamp() * 1000))


def _column(name: str, kind: str) -> dict[str, Any]:
    """A `StandardSqlField`; the inside of STRUCT and ARRAY is left out."""
    return {"name": name, "type": {"typeKind": kind.partition("<")[0].partition("(")[0]}}


def _found(service: Service, project: str, dataset: str, model: str) -> Manifest:
    name = TableId(checked.project(project), checked.dataset(dataset), checked.model(model))
    with service.store.snapshot() as now:
        now.dataset(name.within)
    found = service.models.manifest(name)
    if found is None:
        raise missing("Model", str(name))
    return found


def get(service: Service, request: Request, project: str, dataset: str, model: str) -> Answer:
    return Answer(shown(service, _found(service, project, dataset, model)))


def list_(service: Service, request: Request, project: str, dataset: str) -> Answer:
    key = (checked.project(project), checked.dataset(dataset))
    with service.store.snapshot() as now:
        now.dataset(key)
    part, more = page(request, service.models.of(*key))
    keys = ("modelReference", "modelType", "creationTime", "lastModifiedTime", "labels", "location")
    items = [{key: value for key, value in shown(service, one).items() if key in keys} for one in part]
    return Answer({"models": items, **more})


def update(service: Service, request: Request, project: str, dataset: str, model: str) -> Answer:
    before = _found(service, project, dataset, model)
    now = shown(service, before)
    check_etag(request, now["etag"])
    body = request.body()
    for key in set(body) - {"description", "friendlyName", "labels", "expirationTime", "modelReference", "etag"}:
        raise not_imitated(f"changing {key} of a model")
    after = merged({key: now.get(key) for key in ("description", "friendlyName", "labels", "expirationTime")}, body)
    expires = after.get("expirationTime")
    changed = service.models.store.alter(
        before.name,
        lambda one: one.changed(
            description=after.get("description"),
            friendly_name=after.get("friendlyName"),
            tags=checked.labels(after.get("labels") or {}),
            expires=datetime.fromtimestamp(int(expires) / 1000, UTC).isoformat() if expires else None,
            modified=datetime.now(UTC).isoformat(),
        ),
    )
    if changed is None:
        raise missing("Model", ".".join(before.name))
    return Answer(shown(service, changed))


def delete(service: Service, request: Request, project: str, dataset: str, model: str) -> Answer:
    service.models.store.drop(_found(service, project, dataset, model).name)
    return Answer(status=204)
