"""CREATE TABLE: what is asked, and how it is made. BigQuery docs: "Data definition language (DDL) statements in
GoogleSQL", CREATE TABLE statement."""

from __future__ import annotations

from dataclasses import dataclass, replace

from augury.testing.bigquery import definitions, partitions, writing
from augury.testing.bigquery.asking import Asked, Done, target
from augury.testing.bigquery.catalog import Table, TableId
from augury.testing.bigquery.clauses import Reader
from augury.testing.bigquery.gathering import gathered
from augury.testing.bigquery.refusals import duplicate, invalid, not_imitated
from augury.testing.bigquery.schema import Field


@dataclass(frozen=True)
class Wanted:
    """The clauses of one statement, as they are written."""

    id: TableId
    replaces: bool
    unless: bool
    fields: tuple[Field, ...]
    partition: str
    cluster: str
    options: str
    query: str | None

    @property
    def kind(self) -> str:
        return "CREATE_TABLE" if self.query is None else "CREATE_TABLE_AS_SELECT"


def create_table(asked: Asked) -> Done:
    wanted = _read(asked)
    before = asked.change.state.tables.get(wanted.id)
    if before is not None and wanted.unless:
        return Done(wanted.kind, "SKIP", wanted.id)
    if before is not None and not wanted.replaces:
        raise duplicate("Table", str(wanted.id))
    staged, columns = _rows(asked, wanted)
    if before is not None:
        asked.change.remove(wanted.id)
    made = _made(asked, wanted, columns)
    if staged is not None:
        writing.write(asked.change, writing.Target(wanted.id, create="CREATE_NEVER"), staged, columns)
        asked.change.cursor.execute(f"DROP TABLE {staged}")
    if before is not None:
        asked.change.put(replace(asked.change.state.tables[wanted.id], created=before.created, version=made.version))
    return Done(wanted.kind, "REPLACE" if before is not None else "CREATE", wanted.id)


def _read(asked: Asked) -> Wanted:
    reader = asked.reader
    reader.need("CREATE")
    replaces = reader.take("OR", "REPLACE")
    if reader.take("TEMP") or reader.take("TEMPORARY"):
        raise not_imitated("temporary tables")
    reader.need("TABLE")
    unless = reader.take("IF", "NOT", "EXISTS")
    found = target(asked)
    fields = definitions.columns_from(reader.group()) if reader.word == "(" else ()
    if reader.word in ("LIKE", "COPY", "CLONE"):
        raise not_imitated(f"CREATE TABLE ... {reader.word} (use a copy job)")
    partition, cluster, options = _clauses(reader)
    query = reader.rest() if reader.take("AS") else None
    reader.end()
    if query is None and not fields:
        raise invalid("CREATE TABLE needs a list of columns or AS query.")
    return Wanted(found, replaces, unless, fields, partition, cluster, options, query)


def _clauses(reader: Reader) -> tuple[str, str, str]:
    partition = reader.until("CLUSTER", "CLUSTER BY", "OPTIONS", "AS") if reader.take("PARTITION", "BY") else ""
    cluster = reader.until("OPTIONS", "AS") if reader.take("CLUSTER", "BY") else ""
    options = reader.group() if reader.take("OPTIONS") else ""
    return partition, cluster, options


def _rows(asked: Asked, wanted: Wanted) -> tuple[str | None, tuple[Field, ...]]:
    """The rows of CREATE TABLE AS, under the names of the column list where there is one."""
    if wanted.query is None:
        return None, wanted.fields
    staged, found = gathered(asked.scope, wanted.query, asked.parameters)
    if not wanted.fields:
        return staged, found
    if [one["name"].lower() for one in wanted.fields] != [one["name"].lower() for one in found]:
        raise invalid("The column list of CREATE TABLE AS must have the names of the query's columns, in their order.")
    return staged, wanted.fields


def _made(asked: Asked, wanted: Wanted, columns: tuple[Field, ...]) -> Table:
    given = definitions.options_from(wanted.options, asked.scope, definitions.OF_TABLE)
    asked_for = definitions.partitioning_from(wanted.partition) if wanted.partition else None
    days = given.get("partition_expiration_days")
    if asked_for is not None and days is not None:
        asked_for["expirationMs"] = str(int(days * 86_400_000))
    by = [piece.strip().strip("`") for piece in wanted.cluster.split(",")] if wanted.cluster else []
    settings = {key: value for key, value in definitions.settings_from(given).items() if value is not None}
    return writing.new_table(
        asked.change,
        wanted.id,
        columns,
        partitions.asked(asked_for, columns),
        clustering=writing.clustered(by, columns),
        settings=settings,
    )
