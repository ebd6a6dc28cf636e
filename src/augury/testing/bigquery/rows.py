"""REST v2 `tabledata`: BigQuery docs, REST "tabledata.list", "tabledata.insertAll"; "Use the legacy streaming API"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from augury.names import quote
from augury.testing.bigquery import partitions, summaries, wire, writing
from augury.testing.bigquery.catalog import Table
from augury.testing.bigquery.refusals import invalid, not_imitated
from augury.testing.bigquery.requests import MOST_ROWS, Answer, Request, etag, position_of, token_of
from augury.testing.bigquery.schema import Field, duckdb_type, named
from augury.testing.bigquery.store import Change
from augury.testing.bigquery.tables import id_of

if TYPE_CHECKING:
    import pyarrow as pa

    from augury.testing.bigquery.service import Service


def list_(service: Service, request: Request, project: str, dataset: str, table: str) -> Answer:
    found, decorator = id_of(project, dataset, table.removesuffix(summaries.SUFFIX))
    start = position_of(request.query.get("pageToken")) or request.number("startIndex", 0)
    count = min(request.number("maxResults", MOST_ROWS), MOST_ROWS)
    with service.store.snapshot() as now:
        it = now.table(found)
        if it.view is not None:
            raise invalid(f"Cannot list a table of type VIEW: {found}.")
        if table.endswith(summaries.SUFFIX):
            return _summary(summaries.rows(now, it), request)
        fields = it.fields
        chosen = [one.partition(".")[0] for one in request.query.get("selectedFields", "").split(",") if one]
        if chosen:
            fields = tuple(one for one in fields if one["name"].lower() in {name.lower() for name in chosen})
        inside = partitions.predicate(it, decorator) if decorator else "true"
        columns = ", ".join(quote(one["name"]) for one in fields) or "1"
        total = int(now.cursor.execute(f"SELECT count(*) FROM {it.physical} WHERE {inside}").fetchall()[0][0])
        sql = f"SELECT {columns} FROM {it.physical} WHERE {inside} LIMIT {count} OFFSET {start}"
        rows = (
            wire.rows(now.cursor.sql(sql).to_arrow_table(), fields, microseconds=request.microseconds) if fields else []
        )
    body: dict[str, Any] = {"kind": "bigquery#tableDataList", "etag": etag(found, it.version), "totalRows": str(total)}
    if rows:
        body["rows"] = rows
    if rows and start + len(rows) < total:
        body["pageToken"] = token_of(start + len(rows))
    return Answer(body)


def _summary(found: pa.Table, request: Request) -> Answer:
    """All partitions at once: a table has at most 10,000."""
    chosen = request.query.get("selectedFields", "").split(",")
    fields = [one for one in summaries.FIELDS if not chosen[0] or one["name"] in chosen]
    rows = wire.rows(found.select([one["name"] for one in fields]), fields, microseconds=True) if found.num_rows else []
    return Answer({"kind": "bigquery#tableDataList", "totalRows": str(len(rows)), "rows": rows})


def insert_all(service: Service, request: Request, project: str, dataset: str, table: str) -> Answer:
    """Rows that fit are visible at once. One row that does not stops them all, unless `skipInvalidRows`."""
    body = request.body()
    if body.get("templateSuffix"):
        raise not_imitated("insertAll with templateSuffix")
    found, decorator = id_of(project, dataset, table)
    rows = body.get("rows")
    if not isinstance(rows, list) or not rows:
        raise invalid("No rows present in the request.")
    with service.store.change() as change:
        it = change.table(found)
        if it.view is not None:
            raise invalid(f"Cannot add rows to a table of type VIEW: {found}.")
        errors, good = [], []
        for number, one in enumerate(rows):
            problem = _problem(change, it, one, bool(body.get("ignoreUnknownValues")))
            if problem:
                errors.append({"index": number, "errors": [problem]})
            else:
                good.append(one["json"])
        if errors and not body.get("skipInvalidRows"):
            bad = {one["index"] for one in errors}
            stopped = {"reason": "stopped", "location": "", "debugInfo": "", "message": ""}
            errors += [{"index": number, "errors": [stopped]} for number in range(len(rows)) if number not in bad]
            good = []
        if good:
            _append(change, it, decorator, good)
    return Answer({"kind": "bigquery#tableDataInsertAllResponse", **({"insertErrors": errors} if errors else {})})


def _problem(change: Change, table: Table, row: Any, ignore: bool) -> dict[str, str] | None:
    import duckdb

    found = row.get("json") if isinstance(row, dict) else None
    if not isinstance(found, dict):
        return _invalid("", "A row must have `json`.")
    given = {name.lower(): value for name, value in found.items()}
    for name in found:
        if named(table.fields, name) is None and not ignore:
            return _invalid(name, f"no such field: {name}.")
    for one in table.fields:
        value = given.get(one["name"].lower())
        if value is None and one["mode"] == "REQUIRED":
            return _invalid(one["name"], f"Missing required field: {one['name']}.")
        if value is None:
            continue
        try:
            change.cursor.execute(
                f"SELECT {_read('$value', one)}",
                {"value": json.dumps(value)},
            ).fetchall()
        except duckdb.Error:
            return _invalid(one["name"], f"Cannot convert value to {one['type']}: {json.dumps(value)[:100]}")
    return None


def _read(value: str, field: Field) -> str:
    """DuckDB's SQL of a value that comes as JSON."""
    if (field["type"], field["mode"]) in (("STRING", "NULLABLE"), ("STRING", "REQUIRED")):
        return f"(CAST({value} AS JSON) ->> '$')"
    return f"CAST(CAST({value} AS JSON) AS {duckdb_type(field)})"


def _invalid(where: str, message: str) -> dict[str, str]:
    return {"reason": "invalid", "location": where, "debugInfo": "", "message": message}


def _append(change: Change, table: Table, decorator: str | None, rows: list[dict[str, Any]]) -> None:
    staged = change.new_rows()
    columns = [f"{quote(one['name'])} {duckdb_type(one)}" for one in table.fields]
    change.cursor.execute(f"CREATE TABLE {staged} ({', '.join(columns)})")
    for row in rows:
        given = {name.lower(): value for name, value in row.items()}
        chosen = [one for one in table.fields if given.get(one["name"].lower()) is not None]
        into = ", ".join(quote(one["name"]) for one in chosen)
        out = ", ".join(_read(f"$v{number}", one) for number, one in enumerate(chosen))
        values = {f"v{number}": json.dumps(given[one["name"].lower()]) for number, one in enumerate(chosen)}
        sql = f"INSERT INTO {staged} ({into}) SELECT {out}" if chosen else f"INSERT INTO {staged} DEFAULT VALUES"
        change.cursor.execute(sql, values)
    writing.write(change, writing.Target(table.id, decorator, create="CREATE_NEVER"), staged, table.fields)
    change.cursor.execute(f"DROP TABLE {staged}")
