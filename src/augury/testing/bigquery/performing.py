"""What does each kind of job do?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from augury.testing.bigquery import copying, loading, queries
from augury.testing.bigquery.jobs import Job
from augury.testing.bigquery.refusals import not_imitated

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

QUERY_KEYS = (
    "query",
    "defaultDataset",
    "useLegacySql",
    "parameterMode",
    "queryParameters",
    "maximumBytesBilled",
    "useQueryCache",
    "createSession",
    "connectionProperties",
    "destinationEncryptionConfiguration",
)
"""What `jobs.query` and the configuration of a query job have in common."""
PATH = re.compile(r"`?(?:([\w-]+)`?\.`?)?(\w+)`?\.`?[\w*]+`?")


def location_of(service: Service, project: str, kind: str, config: Mapping[str, Any]) -> str:
    """Where a job runs that does not say it: where the datasets are that it names, else in the US (BigQuery docs:
    "Introduction to datasets", specifying locations)."""
    datasets = service.store.state.datasets
    reference = config.get("destinationTable") or {}
    named: list[tuple[Any, Any]] = [(reference.get("projectId") or project, reference.get("datasetId"))]
    if kind == "query":
        named += [(found[1] or project, found[2]) for found in PATH.finditer(str(config.get("query", "")))]
        default = config.get("defaultDataset") or {}
        named.append((default.get("projectId") or project, default.get("datasetId")))
    for key in named:
        if key in datasets:
            return datasets[key].location
    return "US"


def perform(service: Service, job: Job) -> None:
    if job.dry and job.kind != "query":
        # BigQuery docs: REST "JobConfiguration", dryRun: undefined for other jobs.
        raise not_imitated(f"dry runs of {job.kind} jobs")
    match job.kind:
        case "query":
            queries.perform(service, job)
        case "load":
            loading.perform(service, job)
        case "copy":
            copying.perform(service, job)
        case _:
            raise not_imitated(f"{job.kind} jobs")
