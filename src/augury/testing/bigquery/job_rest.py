"""REST v2 `jobs`: BigQuery docs, REST "Method: jobs.insert", "jobs.query", "jobs.getQueryResults", "jobs.get",
"jobs.list", "jobs.cancel", "jobs.delete"."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.names import quote
from augury.testing.bigquery import names, partitions, performing, wire
from augury.testing.bigquery.jobs import KINDS, Job
from augury.testing.bigquery.refusals import invalid
from augury.testing.bigquery.requests import MOST_ROWS, Answer, Request, etag, page, position_of, token_of
from augury.testing.bigquery.schema import shown as schema_shown

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

LONGEST_WAIT = 200.0
"""Seconds: "Method: jobs.query", timeoutMs."""
GRACE = 0.25
"""Seconds that an answer waits for its job to end. The service does not; a client that found a small job unfinished
would wait for a second or longer before it asked again."""


def insert(service: Service, request: Request, project: str) -> Answer:
    return begun(service, names.project(project), request.body())


def begun(service: Service, project: str, body: Mapping[str, Any], file: Path | None = None) -> Answer:
    """The answer to a request that begins a job."""
    job = submit(service, project, body, file)
    if job.dry:
        _dry(service, job)
    job.wait(GRACE)
    return Answer(job.shown())


def submit(service: Service, project: str, body: Mapping[str, Any], file: Path | None = None) -> Job:
    config = body.get("configuration")
    if not isinstance(config, Mapping):
        raise invalid("Required parameter is missing: configuration")
    kinds = [kind for kind in KINDS if isinstance(config.get(kind), Mapping)]
    if len(kinds) != 1:
        raise invalid(
            "Job configuration must contain exactly one job-specific configuration object (e.g., query, load)."
        )
    reference = body.get("jobReference") or {}
    name = reference.get("jobId")
    if name is not None:
        names.job(name)
    names.labels(config.get("labels") or {})
    given = reference.get("location")
    location = names.location(given) if given else performing.location_of(service, project, kinds[0], config[kinds[0]])
    return service.jobs.submit(project, location, name, config, kinds[0], file, service.perform)


def _dry(service: Service, job: Job) -> None:
    """A dry run is over when it is answered, refused where the job would fail, and never listed."""
    job.wait(LONGEST_WAIT)
    service.jobs.forget(job)
    if job.error is not None:
        raise job.error


def get(service: Service, request: Request, project: str, job: str) -> Answer:
    found = _found(service, request, project, job)
    found.poll()
    found.wait(GRACE)
    return Answer(found.shown())


def _found(service: Service, request: Request, project: str, job: str) -> Job:
    location = request.query.get("location")
    return service.jobs.get(names.project(project), names.job(job), names.location(location) if location else None)


def list_(service: Service, request: Request, project: str) -> Answer:
    wanted = {one.upper() for one in request.query.get("stateFilter", "").split(",") if one}
    first, last = request.number("minCreationTime", 0), request.number("maxCreationTime", 2**62)
    found = [
        one
        for one in service.jobs.of(names.project(project))
        if (not wanted or one.state in wanted) and first <= one.created <= last
    ]
    part, more = page(request, found)
    items = []
    for one in part:
        whole = one.shown()
        keys = ("kind", "id", "jobReference", "configuration", "status", "statistics", "user_email")
        item = {key: whole[key] for key in keys}
        items.append(item | {"state": whole["status"]["state"]})
    return Answer({"kind": "bigquery#jobList", "etag": etag(len(found)), "jobs": items, **more})


def cancel(service: Service, request: Request, project: str, job: str) -> Answer:
    """Asks; whether the job then ends as cancelled or as done is seen by polling."""
    found = _found(service, request, project, job)
    found.cancel()
    return Answer({"kind": "bigquery#jobCancelResponse", "job": found.shown()})


def delete(service: Service, request: Request, project: str, job: str) -> Answer:
    found = _found(service, request, project, job)
    if found.state != "DONE":
        raise invalid("Cannot delete a job that is not done.")
    service.jobs.forget(found)
    return Answer(status=204)


def query(service: Service, request: Request, project: str) -> Answer:
    """`jobs.query`: a job, and its first rows where it ends in time. The same `requestId` is the same request."""
    body = request.body()
    names.project(project)
    config = {key: value for key, value in body.items() if key in performing.QUERY_KEYS and value is not None}
    whole: dict[str, Any] = {"query": config, "labels": body.get("labels") or {}}
    if body.get("dryRun"):
        whole["dryRun"] = True
    reference = {"location": body["location"]} if body.get("location") else {}
    key = (project, str(body.get("requestId") or ""))
    job = service.requests_seen(key)
    if job is None:
        job = submit(service, project, {"configuration": whole, "jobReference": reference})
        service.remember_request(key, job)
    if job.dry:
        _dry(service, job)
        return Answer({"kind": "bigquery#queryResponse", "jobComplete": True, **_facts(job)})
    wait = min(float(body.get("timeoutMs") or 10_000) / 1000, LONGEST_WAIT)
    micros = bool((body.get("formatOptions") or {}).get("useInt64Timestamp"))
    most = body.get("maxResults")
    return _results(service, job, wait, 0, MOST_ROWS if most is None else int(most), micros, "bigquery#queryResponse")


def results(service: Service, request: Request, project: str, job: str) -> Answer:
    """`jobs.getQueryResults`."""
    found = _found(service, request, project, job)
    found.poll()
    wait = min(request.number("timeoutMs", 10_000) / 1000, LONGEST_WAIT)
    start = position_of(request.query.get("pageToken")) or request.number("startIndex", 0)
    most = request.number("maxResults", MOST_ROWS)
    return _results(service, found, wait, start, most, request.microseconds, "bigquery#getQueryResultsResponse")


def _results(service: Service, job: Job, wait: float, start: int, most: int, micros: bool, kind: str) -> Answer:
    if job.kind != "query":
        raise invalid("Cannot list the rows of a job that is no query.")
    head = {"kind": kind, "etag": etag(job.id, job.state, start), "jobReference": job.reference()}
    if not job.wait(wait):
        return Answer({**head, "jobComplete": False})
    if job.error is not None:
        raise job.error
    body = {**head, "jobComplete": True, **_facts(job)}
    if job.result is None or job.fields is None:
        return Answer(body)
    with service.store.snapshot() as now:
        table = now.table(job.result)
        where = partitions.predicate(table, job.partition) if job.partition else "true"
        total = service.sizes.part(now.cursor, table, [], where)[0]
        count = min(most, MOST_ROWS)
        rows = []
        if count and start < total:
            columns = ", ".join(quote(one["name"]) for one in job.fields)
            sql = f"SELECT {columns} FROM {table.physical} WHERE {where} LIMIT {count} OFFSET {start}"
            rows = wire.rows(now.cursor.sql(sql).to_arrow_table(), job.fields, microseconds=micros)
    body |= {"totalRows": str(total), "schema": schema_shown(job.fields, results=True)}
    if rows:
        body["rows"] = rows
    if start + len(rows) < total:
        body["pageToken"] = token_of(start + len(rows))
    return Answer(body)


def _facts(job: Job) -> dict[str, Any]:
    """What a finished query says of itself beside its rows."""
    about = job.statistics.get("query", {})
    out = {
        "jobReference": job.reference(),
        "location": job.location,
        "totalBytesProcessed": job.statistics.get("totalBytesProcessed", "0"),
        "cacheHit": about.get("cacheHit", False),
        "creationTime": str(job.created),
        "startTime": str(job.started),
        "endTime": str(job.ended),
    }
    more = {
        name: about[name] for name in ("totalBytesBilled", "numDmlAffectedRows", "dmlStats", "schema") if name in about
    }
    return {**out, **more}
