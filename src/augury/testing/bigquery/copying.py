"""Copy jobs: BigQuery docs, "Managing tables" (copy a table), REST "JobConfigurationTableCopy"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augury.names import quote
from augury.testing.bigquery import partitions, writing
from augury.testing.bigquery.jobs import Job
from augury.testing.bigquery.refusals import invalid, not_imitated
from augury.testing.bigquery.tables import id_from

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service


def perform(service: Service, job: Job) -> None:
    config = job.config
    if str(config.get("operationType") or "COPY") not in ("COPY", "OPERATION_TYPE_UNSPECIFIED"):
        raise not_imitated(f"copy jobs of type {config['operationType']}")
    given = config.get("sourceTables") or [config.get("sourceTable")]
    sources = [id_from(one, job.project) for one in given]
    into, decorator = id_from(config.get("destinationTable"), job.project)
    with service.store.change() as change:
        job.working_with(change.cursor)
        first = change.table(sources[0][0])
        found = []
        for one, part in sources:
            table = change.table(one)
            if table.view is not None:
                raise invalid(f"Cannot copy the view {one}.")
            inside = partitions.predicate(table, part) if part else "true"
            columns = ", ".join(quote(field["name"]) for field in table.fields) or "NULL AS nothing"
            found.append(f"SELECT {columns} FROM {table.physical} WHERE {inside}")
        staged = change.new_rows()
        change.cursor.execute(f"CREATE TABLE {staged} AS {' UNION ALL BY NAME '.join(found)}")
        target = writing.target_of(into, decorator, config, "WRITE_EMPTY", declared=True)
        asked = first.partitioning.shown() if first.partitioning and not target.partitioning else target.partitioning
        fresh = into not in change.state.tables
        kept = {key: first.settings[key] for key in ("description", "labels") if key in first.settings} if fresh else {}
        target = writing.adjusted(target, asked if fresh else None, first.clustering if fresh else (), kept)
        rows = writing.write(change, target, staged, first.fields)
        change.cursor.execute(f"DROP TABLE {staged}")
    job.statistics["copy"] = {"copiedRows": str(rows)}
