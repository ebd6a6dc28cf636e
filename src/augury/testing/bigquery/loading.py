"""Load jobs: BigQuery docs, "Loading Parquet data", "Loading CSV data", "Loading JSON data", REST
"JobConfigurationLoad".

The file comes with the request. Reading from Cloud Storage (`sourceUris`) is not imitated.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.names import quote
from augury.testing.bigquery import writing
from augury.testing.bigquery.catalog import Table
from augury.testing.bigquery.jobs import Job
from augury.testing.bigquery.refusals import Refusal, invalid, not_imitated
from augury.testing.bigquery.schema import Field, duckdb_type, field_from, fields_of
from augury.testing.bigquery.tables import id_from

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service


def perform(service: Service, job: Job) -> None:
    import duckdb

    config = job.config
    if config.get("sourceUris"):
        raise not_imitated("load jobs from Cloud Storage (send the file with the request)")
    if job.file is None:
        raise invalid("Load configuration must specify at least one source URI")
    for key in ("rangePartitioning", "hivePartitioningOptions", "projectionFields", "decimalTargetTypes"):
        if config.get(key):
            raise not_imitated(f"load jobs with {key}")
    into, decorator = id_from(config.get("destinationTable"), job.project)
    declared = fields_of((config.get("schema") or {}).get("fields") or ())
    with service.store.change() as change:
        job.working_with(change.cursor)
        if change.dataset(into.within).location != job.location:
            raise Refusal(
                "notFound", f"Not found: Dataset {':'.join(into.within)} was not found in location {job.location}"
            )
        table = change.state.tables.get(into)
        staged = change.new_rows()
        try:
            fields = _staged(change.cursor, job.file, config, declared, table, staged)
        except duckdb.InterruptException as error:
            raise Refusal("stopped", "Job execution was cancelled") from error
        except duckdb.Error as error:
            raise invalid(f"Error while reading data, error message: {str(error).splitlines()[0]}") from error
        target = writing.target_of(into, decorator, config, "WRITE_APPEND", declared=bool(declared))
        rows = writing.write(change, target, staged, fields)
        change.cursor.execute(f"DROP TABLE {staged}")
    job.statistics["load"] = {
        "inputFiles": "1",
        "inputFileBytes": str(job.file.stat().st_size),
        "outputRows": str(rows),
        "outputBytes": str(job.file.stat().st_size),
        "badRecords": "0",
    }


def _staged(
    cursor: Any, file: Path, config: Mapping[str, Any], declared: tuple[Field, ...], table: Table | None, staged: str
) -> tuple[Field, ...]:
    """The rows of a file in DuckDB's table `staged`, and its columns."""
    form = str(config.get("sourceFormat") or "CSV").upper()
    if form == "PARQUET":
        return _parquet(cursor, file, config, declared, staged)
    if form not in ("CSV", "NEWLINE_DELIMITED_JSON"):
        raise not_imitated(f"load jobs of {form}")
    known = declared or (table.fields if table is not None else ())
    if not known and not config.get("autodetect"):
        raise invalid("No schema specified on job or table.")
    return (_csv if form == "CSV" else _json)(cursor, file, config, known, staged)


def _parquet(
    cursor: Any, file: Path, config: Mapping[str, Any], declared: tuple[Field, ...], staged: str
) -> tuple[Field, ...]:
    found = cursor.sql("SELECT * FROM read_parquet($file)", params={"file": str(file)})
    fields = tuple(field_from(name, kind) for name, kind in zip(found.columns, found.types, strict=True))
    inferred = (config.get("parquetOptions") or {}).get("enableListInference")
    if any(one["mode"] == "REPEATED" for one in fields) and not inferred:
        raise not_imitated("Parquet lists without parquetOptions.enableListInference (BigQuery reads them as RECORDs)")
    columns = ", ".join(f"CAST({quote(one['name'])} AS {duckdb_type(one)}) AS {quote(one['name'])}" for one in fields)
    cursor.execute(f"CREATE TABLE {staged} AS SELECT {columns} FROM read_parquet($file)", {"file": str(file)})
    by_name = {one["name"].lower(): one for one in declared}
    strange = [one["name"] for one in fields if declared and one["name"].lower() not in by_name]
    if strange:
        raise invalid(f"Provided schema does not have the column {strange[0]} of the file.")
    return tuple(_as_declared(one, by_name.get(one["name"].lower())) for one in fields) if declared else fields


def _as_declared(found: Field, declared: Field | None) -> Field:
    if declared is None:
        return found
    numbers = {found["type"], declared["type"]} <= {"NUMERIC", "BIGNUMERIC"}
    text = (found["type"], declared["type"]) == ("STRING", "JSON")
    if not numbers and not text and found["type"] != declared["type"]:
        raise invalid(
            f"Error while reading data, error message: Parquet column {found['name']!r} has type {found['type']} which "
            f"does not match the target type {declared['type']}"
        )
    return declared


def _typed(fields: tuple[Field, ...]) -> dict[str, str]:
    return {one["name"]: duckdb_type(one) for one in fields}


def _csv(
    cursor: Any, file: Path, config: Mapping[str, Any], known: tuple[Field, ...], staged: str
) -> tuple[Field, ...]:
    skip = int(config.get("skipLeadingRows") or 0)
    settings: dict[str, Any] = {
        "delim": {"tab": "\t"}.get(config.get("fieldDelimiter") or ",", config.get("fieldDelimiter") or ","),
        "quote": config.get("quote", '"'),
        "nullstr": config.get("nullMarker") or "",
        "ignore_errors": bool(config.get("maxBadRecords")),
        "null_padding": bool(config.get("allowJaggedRows")),
    }
    settings |= {"header": False, "skip": skip, "columns": _typed(known), "auto_detect": False} if known else {}
    asked = ", ".join(f"{name} := ${name}" for name in settings)
    if known:
        # A prepared parameter cannot be the struct of columns: names and types are written out, quoted.
        columns = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in settings.pop("columns").items())
        asked = ", ".join([*(f"{name} := ${name}" for name in settings), f"columns := {{{columns}}}"])
    cursor.execute(f"CREATE TABLE {staged} AS SELECT * FROM read_csv($file, {asked})", {"file": str(file), **settings})
    return known or _detected(cursor, staged)


def _json(
    cursor: Any, file: Path, config: Mapping[str, Any], known: tuple[Field, ...], staged: str
) -> tuple[Field, ...]:
    values = {"file": str(file)}
    asked = "format := 'newline_delimited'"
    if known:
        columns = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in _typed(known).items())
        asked += f", columns := {{{columns}}}"
        sql = "SELECT DISTINCT unnest(json_keys(json)) FROM read_ndjson_objects($file)"
        found = {name for (name,) in cursor.execute(sql, values).fetchall()}
        strange = sorted(found - {one["name"] for one in known})
        if strange and not config.get("ignoreUnknownValues"):
            raise invalid(f"Error while reading data, error message: JSON parsing error: No such field: {strange[0]}.")
    cursor.execute(f"CREATE TABLE {staged} AS SELECT * FROM read_json($file, {asked})", values)
    return known or _detected(cursor, staged)


def _detected(cursor: Any, staged: str) -> tuple[Field, ...]:
    found = cursor.sql(f"SELECT * FROM {staged}")
    return tuple(field_from(name, kind) for name, kind in zip(found.columns, found.types, strict=True))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
