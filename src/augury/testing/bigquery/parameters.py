"""Which values do query parameters have?

BigQuery docs: "Run parameterized queries"; REST "QueryParameter": every value is a string beside its type.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from augury.testing.bigquery.refusals import invalid, not_imitated

MOST_DEEP = 15
NUMBERED = "parameter_"


@dataclass(frozen=True)
class Parameters:
    types: Mapping[str, str] = field(default_factory=dict)
    """GoogleSQL type by name."""
    values: Mapping[str, Any] = field(default_factory=dict)


def parameters_of(config: Mapping[str, Any]) -> Parameters:
    """The parameters of a query's configuration."""
    found = config.get("queryParameters") or []
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise invalid("queryParameters must be a list.")
    positional = str(config.get("parameterMode", "")).upper() == "POSITIONAL" or not (found and found[0].get("name"))
    types, values = {}, {}
    for number, one in enumerate(found, start=1):
        name = f"{NUMBERED}{number}" if positional else str(one.get("name") or "")
        if not (name.isidentifier() and name.isascii()):
            raise invalid(f"Invalid query parameter name {name!r}.")
        kind = one.get("parameterType") or {}
        types[name] = type_text(kind)
        values[name] = value_of(kind, one.get("parameterValue") or {}, name)
    return Parameters(types, values)


def numbered(sql: str) -> str:
    """The text with a name in the place of each `?`, so that a rewritten query finds their values in any order."""
    import sqlglot

    if "?" not in sql:
        return sql
    try:
        tokens = sqlglot.tokenize(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return sql
    out, end = [], 0
    places = [token.start for token in tokens if token.token_type.name == "PLACEHOLDER"]
    for number, place in enumerate(places, start=1):
        out += [sql[end:place], f"@{NUMBERED}{number}"]
        end = place + 1
    return "".join([*out, sql[end:]])


def type_text(kind: Mapping[str, Any], depth: int = 0) -> str:
    name = str(kind.get("type", "")).upper()
    if depth > MOST_DEEP:
        raise invalid("A query parameter is nested too deeply.")
    if name == "ARRAY":
        return f"ARRAY<{type_text(kind.get('arrayType') or {}, depth + 1)}>"
    if name in ("STRUCT", "RECORD"):
        inner = (f"{one.get('name', '')} {type_text(one.get('type') or {}, depth + 1)}" for one in kind["structTypes"])
        return f"STRUCT<{', '.join(inner)}>"
    plain = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(name, name)
    if plain not in READ:
        if plain in ("GEOGRAPHY", "INTERVAL", "RANGE", "BIGNUMERIC"):
            raise not_imitated(f"query parameters of type {plain}")
        raise invalid(f"Invalid type of a query parameter: {name!r}.")
    return plain


def value_of(kind: Mapping[str, Any], value: Mapping[str, Any], name: str) -> Any:
    plain = str(kind.get("type", "")).upper()
    if plain == "ARRAY":
        found = value.get("arrayValues")
        return [value_of(kind["arrayType"], one, name) for one in found or ()]
    if plain in ("STRUCT", "RECORD"):
        parts = value.get("structValues") or {}
        return {one["name"]: value_of(one["type"], parts.get(one["name"]) or {}, name) for one in kind["structTypes"]}
    text = value.get("value")
    if text is None:
        return None
    try:
        return READ[type_text(kind)](str(text))
    except (ValueError, InvalidOperation, binascii.Error):
        raise invalid(f"Invalid value {str(text)[:100]!r} for query parameter {name!r} of type {plain}.") from None


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _timestamp(text: str) -> datetime:
    plain = text.strip()
    plain = plain.removesuffix("UTC").strip() if plain.endswith("UTC") else plain
    found = datetime.fromisoformat(plain)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


READ: Mapping[str, Callable[[str], Any]] = {
    "BOOL": _bool,
    "BYTES": lambda text: base64.b64decode(text, validate=True),
    "DATE": date.fromisoformat,
    "DATETIME": datetime.fromisoformat,
    "FLOAT64": float,
    "INT64": int,
    "JSON": str,
    "NUMERIC": Decimal,
    "STRING": str,
    "TIME": time.fromisoformat,
    "TIMESTAMP": _timestamp,
}
