"""Is a request's body of the right shape? Handlers then read it without asking at each step.

A table of the keys that they read; BigQuery docs: REST "Table", "Dataset", "Job", "QueryRequest", "Model".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augury.testing.bigquery.refusals import invalid

OBJECTS = {
    *("configuration", "jobReference", "tableReference", "datasetReference", "destinationTable", "sourceTable"),
    *("defaultDataset", "schema", "view", "timePartitioning", "clustering", "labels", "load", "copy", "extract"),
    *("parameterType", "parameterValue", "arrayType", "structValues", "parquetOptions", "formatOptions"),
    *("destinationTableProperties", "modelReference", "json"),
}
LISTS_OF_OBJECTS = {"rows", "queryParameters", "sourceTables", "arrayValues", "structTypes"}
LISTS_OF_TEXTS = {"schemaUpdateOptions", "sourceUris", "projectionFields"}
TEXTS = {
    *("projectId", "datasetId", "tableId", "jobId", "modelId", "location", "type", "mode", "description", "name"),
    *("friendlyName", "field", "writeDisposition", "createDisposition", "sourceFormat", "fieldDelimiter", "quote"),
    *("nullMarker", "requestId", "parameterMode", "operationType"),
}
NUMBERS = {
    *("maximumBytesBilled", "timeoutMs", "maxResults", "skipLeadingRows", "expirationMs", "expirationTime"),
    *("defaultTableExpirationMs", "defaultPartitionExpirationMs", "maxBadRecords", "precision", "scale"),
}
FREE = {"json", "labels", "value", "structValues"}
"""Below these are names and values of the client's own."""
MOST_DEEP = 60


def check(body: Any, path: str = "", depth: int = 0) -> None:
    """Refuse a body that holds something else where a known key is."""
    if depth > MOST_DEEP:
        raise invalid("The request body is nested too deeply.")
    if isinstance(body, list):
        for number, one in enumerate(body):
            check(one, f"{path}[{number}]", depth + 1)
    elif isinstance(body, Mapping):
        for key, value in body.items():
            where = f"{path}.{key}" if path else key
            if value is not None:
                _one(key, value, where)
            if key not in FREE:
                check(value, where, depth + 1)
            elif key == "structValues":
                for name, one in value.items() if isinstance(value, Mapping) else ():
                    _fits(isinstance(one, Mapping), f"{where}.{name}", "an object")
                    check(one, f"{where}.{name}", depth + 1)


def _one(key: str, value: Any, where: str) -> None:
    if key in OBJECTS:
        _fits(isinstance(value, Mapping), where, "an object")
    elif key in LISTS_OF_OBJECTS:
        _fits(_all(value, Mapping), where, "a list of objects")
    elif key in LISTS_OF_TEXTS:
        _fits(_all(value, str), where, "a list of strings")
    elif key == "fields":
        # Columns of a schema, or names of columns to cluster by.
        _fits(_all(value, str) if where.endswith("clustering.fields") else _all(value, Mapping), where, "a list")
    elif key == "query":
        # The text of a query, or in a configuration what belongs to it.
        wanted = Mapping if where == "configuration.query" else str
        _fits(isinstance(value, wanted), where, "an object" if wanted is Mapping else "a string")
    elif key == "type" and not isinstance(value, str):
        # The type of a member of a STRUCT parameter is an object.
        _fits(isinstance(value, Mapping) and "structTypes" in where, where, "a string")
    elif key in TEXTS:
        _fits(isinstance(value, str), where, "a string")
    elif key in NUMBERS:
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63
        text = (
            isinstance(value, str) and value.lstrip("-").isascii() and value.lstrip("-").isdigit() and len(value) < 19
        )
        _fits(number or text, where, "a number")


def _all(value: Any, kind: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)


def _fits(fits: bool, where: str, wanted: str) -> None:
    if not fits:
        raise invalid(f"Invalid value at '{where}': it must be {wanted}.")
