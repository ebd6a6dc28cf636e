"""Which DuckDB type holds a BigQuery column, and which BigQuery schema does a DuckDB relation have?

BigQuery docs: "Data types"; REST "TableFieldSchema", whose answers use the older names (INTEGER, FLOAT, BOOLEAN,
RECORD) and take both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augury.names import quote
from augury.testing.bigquery import names
from augury.testing.bigquery.refusals import invalid, not_imitated

Field = dict[str, Any]
"""A `TableFieldSchema`, in the spelling that the service answers with."""
SPELLINGS = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD", "DECIMAL": "NUMERIC"}
PLAIN = {
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "DATE": "DATE",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "TIME": "TIME",
    "JSON": "JSON",
}
FROM_DUCKDB = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint", "hugeint"), "INTEGER"),
    **dict.fromkeys(("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint"), "INTEGER"),
    **dict.fromkeys(("timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"), "DATETIME"),
    **dict.fromkeys(("varchar", "enum", "uuid"), "STRING"),
    "timestamp with time zone": "TIMESTAMP",
    "float": "FLOAT",
    "double": "FLOAT",
    "boolean": "BOOLEAN",
    "blob": "BYTES",
    "date": "DATE",
    "time": "TIME",
    "null": "INTEGER",
}
"""An untyped NULL is INT64 in the result of a query."""
WIDER = {"INTEGER": ("NUMERIC", "BIGNUMERIC", "FLOAT"), "NUMERIC": ("BIGNUMERIC", "FLOAT"), "BIGNUMERIC": ("FLOAT",)}
"""BigQuery docs: "Conversion rules", supertypes."""
MOST_DEEP = 15
"""BigQuery docs: "Quotas and limits", levels of nested RECORD columns."""


def fields_of(found: Any, depth: int = 0) -> tuple[Field, ...]:
    """The fields of a request, checked and spelt as the service spells them."""
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise invalid("A schema must be a list of fields.")
    if depth > MOST_DEEP:
        raise invalid(f"A schema is at most {MOST_DEEP} levels deep.")
    out = tuple(_field(one, depth) for one in found)
    seen: set[str] = set()
    for one in out:
        if one["name"].lower() in seen:
            raise invalid(f"Duplicate field name {one['name']!r} in the schema; names do not differ by case.")
        seen.add(one["name"].lower())
    return out


def _field(found: Any, depth: int) -> Field:
    if not isinstance(found, dict):
        raise invalid("A field of a schema must be an object.")
    kind = str(found.get("type", "")).upper()
    kind = SPELLINGS.get(kind, kind)
    mode = str(found.get("mode") or "NULLABLE").upper()
    if mode not in ("NULLABLE", "REQUIRED", "REPEATED"):
        raise invalid(f"Invalid mode {mode!r} of field {found.get('name')!r}.")
    out: Field = {"name": names.column(found.get("name")), "type": kind, "mode": mode}
    if kind == "RECORD":
        out["fields"] = list(fields_of(found.get("fields") or (), depth + 1))
        if not out["fields"]:
            raise invalid(f"Field {out['name']} is of type RECORD but has no schema.")
    elif kind in ("NUMERIC", "BIGNUMERIC"):
        out |= {key: str(found[key]) for key in ("precision", "scale") if found.get(key) is not None}
    elif kind not in PLAIN:
        if kind in ("GEOGRAPHY", "INTERVAL", "RANGE"):
            raise not_imitated(f"columns of type {kind}")
        raise invalid(f"Invalid value {found.get('type')!r} for the type of field {out['name']}.")
    if found.get("description"):
        out["description"] = str(found["description"])
    return out


def duckdb_type(field: Field) -> str:
    kind = field["type"]
    if kind == "RECORD":
        inner = ", ".join(f"{quote(one['name'])} {duckdb_type(one)}" for one in field["fields"])
        found = f"STRUCT({inner})"
    elif kind in ("NUMERIC", "BIGNUMERIC"):
        found = _decimal(field)
    else:
        found = PLAIN[kind]
    return f"{found}[]" if field["mode"] == "REPEATED" else found


def _decimal(field: Field) -> str:
    """NUMERIC is DECIMAL(38, 9). DuckDB has 38 digits, so a wider BIGNUMERIC is refused, and a plain one has 19 before
    and 19 after the point."""
    usual = (38, 9) if field["type"] == "NUMERIC" else (38, 19)
    precision = int(field.get("precision", usual[0]))
    scale = int(field.get("scale", 0 if "precision" in field else usual[1]))
    if not 0 < precision <= 38 or not 0 <= scale <= precision:
        raise not_imitated(f"{field['type']}({precision}, {scale}), which needs more than 38 digits")
    return f"DECIMAL({precision}, {scale})"


def field_from(name: str, kind: Any) -> Field:
    """The field of a query's output column, from DuckDB's type."""
    text = str(kind)
    if kind.id == "list":
        child = dict(kind.children)["child"]
        if child.id == "list":
            raise not_imitated("a column that is an array of arrays (BigQuery has none)")
        return {**field_from(name, child), "mode": "REPEATED"}
    if kind.id == "struct":
        inner = [field_from(one, child) for one, child in kind.children]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": inner}
    if kind.id == "decimal":
        return _field_of_decimal(name, dict(kind.children))
    if text == "JSON":
        return {"name": name, "type": "JSON", "mode": "NULLABLE"}
    if kind.id not in FROM_DUCKDB:
        raise not_imitated(f"the type of column {name!r} ({text})")
    return {"name": name, "type": FROM_DUCKDB[kind.id], "mode": "NULLABLE"}


def _field_of_decimal(name: str, size: dict[str, Any]) -> Field:
    digits, scale = int(size["precision"]), int(size["scale"])
    if scale <= 9:
        return {"name": name, "type": "NUMERIC", "mode": "NULLABLE"}
    # What DuckDB can hold of a BIGNUMERIC; the figures keep its scale.
    return {"name": name, "type": "BIGNUMERIC", "mode": "NULLABLE", "precision": str(digits), "scale": str(scale)}


def shown(fields: Sequence[Field], *, results: bool = False) -> dict[str, Any]:
    """A `TableSchema`; the result of a query says nothing of precision."""
    if not results:
        return {"fields": list(fields)}
    return {"fields": unsized(fields)}


def unsized(fields: Sequence[Field]) -> list[Field]:
    """The fields without the precision and scale of NUMERIC."""
    return [{key: value for key, value in one.items() if key not in ("precision", "scale")} for one in fields]


def named(fields: Sequence[Field], name: str) -> Field | None:
    """The column of that name, whatever its letter case."""
    return next((one for one in fields if one["name"].lower() == name.lower()), None)


def described(field: Field) -> str:
    """A type in the words of GoogleSQL: INFORMATION_SCHEMA and messages."""
    words = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    kind: str = words.get(str(field["type"]), str(field["type"]))
    if kind == "RECORD":
        inner = ", ".join(f"{one['name']} {described(one)}" for one in field["fields"])
        kind = f"STRUCT<{inner}>"
    return f"ARRAY<{kind}>" if field["mode"] == "REPEATED" else kind
