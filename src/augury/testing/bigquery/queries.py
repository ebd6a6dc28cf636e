"""Query jobs: BigQuery docs, REST "JobConfigurationQuery", "JobStatistics2"; "Run a query"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from augury.testing.bigquery import changing, estimate, ml, selects, writing
from augury.testing.bigquery.caching import Cached
from augury.testing.bigquery.catalog import DatasetId, Table
from augury.testing.bigquery.jobs import Job
from augury.testing.bigquery.parameters import numbered, parameters_of
from augury.testing.bigquery.refusals import Refusal, invalid, not_imitated
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import shown as schema_shown
from augury.testing.bigquery.sizes import billed
from augury.testing.bigquery.statements import split
from augury.testing.bigquery.store import Snapshot, milliseconds
from augury.testing.bigquery.tables import id_from

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

LONGEST = 1_048_576
"""Characters of a query: "Quotas and limits", unresolved GoogleSQL query length."""


def perform(service: Service, job: Job) -> None:
    config = job.config
    sql = config.get("query")
    if not isinstance(sql, str) or not sql.strip():
        raise Refusal("invalid", "Required parameter is missing: query")
    if len(sql) > LONGEST:
        raise invalid(f"The query is too large. The maximum standard SQL query length is {LONGEST} characters.")
    # The default of the API is legacy SQL: REST "JobConfigurationQuery", useLegacySql.
    if config.get("useLegacySql", True):
        raise not_imitated("legacy SQL: send useLegacySql false")
    for key in ("createSession", "connectionProperties", "tableDefinitions", "userDefinedFunctionResources"):
        if config.get(key):
            raise not_imitated(f"query jobs with {key}")
    sql = numbered(sql)
    statements = split(sql)
    if len(statements) == 1 and statements[0].kind == "SELECT":
        _select(service, job, sql)
    else:
        changing.perform(service, job, statements)


def scope_of(service: Service, job: Job, snapshot: Snapshot) -> Scope:
    return Scope(service, snapshot, job.project, default_of(job.config, job.project), job.location)


def default_of(config: Mapping[str, Any], project: str) -> DatasetId | None:
    found = config.get("defaultDataset") or {}
    return (found.get("projectId") or project, found["datasetId"]) if found.get("datasetId") else None


def _select(service: Service, job: Job, sql: str) -> None:
    parameters = parameters_of(job.config)
    with service.store.snapshot() as now:
        job.working_with(now.cursor)
        wants_table = bool(job.config.get("destinationTable"))
        cached = None if wants_table or job.dry else service.cache.find(job, now)
        if cached is not None:
            _from_cache(job, cached)
            return
        scope = scope_of(service, job, now)
        speaks_of_ml = ml.is_ml(sql)
        if speaks_of_ml:
            job.fields = ml.columns(scope, sql, parameters)
        else:
            prepared = selects.prepare(sql, scope, parameters)
            job.fields = prepared.fields
        account(job, "SELECT", estimate.weights(scope, sql, parameters))
        job.statistics["query"]["referencedTables"] = [one.shown() for one in sorted(scope.read)]
        if job.dry:
            _schema(job)
            return
        if speaks_of_ml:
            physical, job.fields = ml.gathered(scope, sql, parameters, twice=False)
        else:
            physical = selects.materialised(scope, prepared)
    _schema(job)
    if wants_table:
        _into(service, job, physical)
        return
    job.result = selects.result_id(job.project, job.location, physical)
    stamp = milliseconds()
    assert job.fields is not None
    service.store.keep_result(Table(job.result, physical, job.fields, stamp, stamp, 0))
    job.config["destinationTable"] = job.result.shown()
    service.cache.keep(job, scope)


def _from_cache(job: Job, cached: Cached) -> None:
    """The rows of an earlier query, which cost nothing."""
    job.result, job.fields = cached.result, cached.fields
    account(job, "SELECT", [])
    job.statistics["query"]["cacheHit"] = True
    _schema(job)
    job.config["destinationTable"] = cached.result.shown()


def _schema(job: Job) -> None:
    if job.fields is not None:
        job.statistics["query"]["schema"] = schema_shown(job.fields, results=True)


def _into(service: Service, job: Job, physical: str) -> None:
    """The destination of a query job."""
    found, decorator = id_from(job.config["destinationTable"], job.project)
    target = writing.target_of(found, decorator, job.config, "WRITE_EMPTY", declared=False)
    assert job.fields is not None
    try:
        with service.store.change() as change:
            job.working_with(change.cursor)
            if change.dataset(found.within).location != job.location:
                raise Refusal(
                    "notFound", f"Not found: Dataset {':'.join(found.within)} was not found in location {job.location}"
                )
            writing.write(change, target, physical, job.fields)
        job.result, job.partition = found, decorator
    finally:
        cursor = service.store.cursor()
        cursor.execute(f"DROP TABLE IF EXISTS {physical}")
        cursor.close()


def account(job: Job, kind: str, weights: list[int]) -> None:
    """Write down what a statement reads, and refuse what costs more than the caller allows (BigQuery docs: "Estimate
    and control costs", maximum bytes billed)."""
    read, cost = sum(weights), billed(weights)
    most = job.config.get("maximumBytesBilled")
    if most is not None and cost > int(most) and not job.dry:
        raise Refusal(
            "bytesBilledLimitExceeded",
            f"Query exceeded limit for bytes billed: {most}. {cost} or higher required.",
        )
    job.statistics["totalBytesProcessed"] = str(read)
    job.statistics["query"] = {
        "statementType": kind,
        "totalBytesProcessed": str(read),
        "totalBytesBilled": "0" if job.dry else str(cost),
        "cacheHit": False,
    }
