"""What do the column list, PARTITION BY, CLUSTER BY and OPTIONS of a statement say?

BigQuery docs: "Data definition language (DDL) statements in GoogleSQL", column schema, partition_expression,
table_option_list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from augury.errors import nearest
from augury.testing.bigquery import names, selects
from augury.testing.bigquery.refusals import invalid, not_imitated
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import Field, fields_of
from augury.testing.bigquery.statements import invalid_query

TRUNCATED = re.compile(r"(?:DATE|TIMESTAMP|DATETIME)_TRUNC\s*\(\s*`?(\w+)`?\s*,\s*(HOUR|DAY|MONTH|YEAR)\s*\)", re.I)
OF_TABLE = (
    "description",
    "friendly_name",
    "labels",
    "expiration_timestamp",
    "partition_expiration_days",
    "require_partition_filter",
)
OF_SCHEMA = (
    "description",
    "friendly_name",
    "labels",
    "location",
    "default_table_expiration_days",
    "default_partition_expiration_days",
)


def columns_from(text: str) -> tuple[Field, ...]:
    """Fields of `(a INT64 NOT NULL, ...)`, without the parentheses."""
    from sqlglot import exp

    tree = selects.parsed(f"CREATE TABLE t ({text})")
    if not isinstance(tree, exp.Create) or not isinstance(tree.this, exp.Schema):
        raise invalid_query("Syntax error: Unexpected column list")
    out = []
    for one in tree.this.expressions:
        if not isinstance(one, exp.ColumnDef):
            raise not_imitated(f"table constraints ({one.sql('bigquery')[:60]})")
        out.append(_field(one))
    return fields_of(out)


def _field(found: Any) -> Field:
    from sqlglot import exp

    field = _typed(found.name, found.args.get("kind"))
    for constraint in found.args.get("constraints") or ():
        kind = constraint.kind
        if isinstance(kind, exp.NotNullColumnConstraint):
            field["mode"] = "REQUIRED"
        elif isinstance(kind, exp.Properties):
            options = {one.name.lower(): one.args["value"] for one in kind.expressions}
            if "description" in options:
                field["description"] = options["description"].name
        else:
            raise not_imitated(f"the column constraint {constraint.sql('bigquery')}")
    return field


def _typed(name: str, kind: Any) -> Field:
    if kind is None:
        raise invalid_query(f"Syntax error: column {name} has no type")
    text = kind.sql("bigquery")
    head = text.partition("<")[0].partition("(")[0].upper()
    if head == "ARRAY":
        return {**_typed(name, kind.expressions[0]), "mode": "REPEATED"}
    field: Field = {"name": name, "type": head, "mode": "NULLABLE"}
    if head == "STRUCT":
        field["fields"] = [_field(one) for one in kind.expressions]
    elif head in ("NUMERIC", "BIGNUMERIC", "DECIMAL", "BIGDECIMAL"):
        field["type"] = head.replace("DECIMAL", "NUMERIC")
        for key, size in zip(("precision", "scale"), kind.expressions, strict=False):
            field[key] = size.name
    return field


def partitioning_from(text: str) -> dict[str, Any]:
    """The `timePartitioning` that an expression of PARTITION BY means."""
    plain = text.strip()
    if re.fullmatch(r"_PARTITIONDATE|DATE\s*\(\s*_PARTITIONTIME\s*\)", plain, re.I):
        return {"type": "DAY"}
    found = TRUNCATED.fullmatch(plain)
    if found:
        kind = found[2].upper()
        return {"type": kind} if found[1].upper() == "_PARTITIONTIME" else {"type": kind, "field": found[1]}
    found = re.fullmatch(r"(?:DATE\s*\(\s*)?`?(\w+)`?(?:\s*\))?", plain, re.I)
    if found:
        return {"type": "DAY", "field": found[1]}
    if plain.upper().startswith("RANGE_BUCKET"):
        raise not_imitated("partitions by ranges of integers (RANGE_BUCKET)")
    raise invalid(f"PARTITION BY expression must be a column, DATE(column) or a truncated column: {plain[:100]}")


def options_from(text: str, scope: Scope, known: tuple[str, ...]) -> dict[str, Any]:
    """Options by name. NULL removes one."""
    from sqlglot import exp

    if not text.strip():
        return {}
    tree = selects.parsed(f"CREATE VIEW v OPTIONS({text}) AS SELECT 1")
    out = {}
    for one in tree.find_all(exp.Property):
        # sqlglot has a class of its own for `location`.
        name = "location" if isinstance(one, exp.LocationProperty) else one.name.lower()
        if name not in known:
            close = nearest(name, known)
            hint = f"; did you mean {close}?" if close else ""
            raise invalid(f"Unknown option: {name}{hint}")
        out[name] = _value(one.args.get("value") or one.this, scope)
    return out


def _value(found: Any, scope: Scope) -> Any:
    from sqlglot import exp

    match found:
        case exp.Literal():
            return found.name if found.is_string else float(found.name)
        case exp.Boolean():
            return bool(found.this)
        case exp.Null():
            return None
        case exp.Array():
            return [tuple(_value(part, scope) for part in one.expressions) for one in found.expressions]
    prepared = selects.prepare(f"SELECT UNIX_MILLIS({found.sql('bigquery')}) AS v", scope)
    return scope.snapshot.cursor.execute(prepared.sql).fetchall()[0][0]


def settings_from(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a resource; None removes one."""
    out: dict[str, Any] = {}
    for name, value in options.items():
        match name:
            case "description":
                out["description"] = value
            case "friendly_name":
                out["friendlyName"] = value
            case "require_partition_filter":
                out["requirePartitionFilter"] = value
            case "labels":
                out["labels"] = names.labels(dict(value)) if value is not None else None
            case "expiration_timestamp":
                out["expirationTime"] = None if value is None else str(_milliseconds(value))
            case "default_table_expiration_days":
                out["defaultTableExpirationMs"] = str(int(value * 86_400_000))
            case "default_partition_expiration_days":
                out["defaultPartitionExpirationMs"] = str(int(value * 86_400_000))
    return out


def _milliseconds(value: Any) -> int:
    if isinstance(value, str):
        return int(datetime.fromisoformat(value).timestamp() * 1000)
    return int(value)
