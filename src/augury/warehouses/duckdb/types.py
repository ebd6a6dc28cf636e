"""What is a column's type called, what can Parquet keep, and what may stand in for a declared type?

Types are recorded under the canonical names of `augury.spec.columns` where these say exactly the same, else
under DuckDB's own, so that a recorded schema always gives back the very type.

Parquet has no place for some of DuckDB's types, and DuckDB then writes another one without a word: a HUGEINT,
which is what `sum` of integers returns, becomes a DOUBLE and loses digits. Those are cast here to a type that
stays.
"""

from __future__ import annotations

from typing import Any

from augury.names import quote

_CANONICAL = {
    "VARCHAR": "STRING",
    "BIGINT": "INT64",
    "DOUBLE": "FLOAT64",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "BLOB": "BYTES",
    "DECIMAL(38,9)": "NUMERIC",
}
_ENGINE = {canonical: engine for engine, canonical in _CANONICAL.items()}

_CAST = {
    "hugeint": "BIGINT",  # sums of integers; a value that does not fit is an error, never rounded
    "uhugeint": "DECIMAL(38,0)",
    "null": "BIGINT",  # an untyped NULL, which BigQuery makes an INT64 too
    "enum": "VARCHAR",
    "bit": "VARCHAR",
    "timestamp_s": "TIMESTAMP",
    "timestamp_ms": "TIMESTAMP",
}
_PLAIN = {
    *("varchar", "bigint", "double", "boolean", "date", "timestamp", "blob", "decimal"),
    *("tinyint", "smallint", "integer", "utinyint", "usmallint", "uinteger", "ubigint", "float"),
    *("time", "interval", "uuid", "timestamp_ns", "timestamp with time zone", "time with time zone"),
}
_SMALL_INTEGERS = {"tinyint", "smallint", "integer", "utinyint", "usmallint", "uinteger"}
_INTEGERS = {*_SMALL_INTEGERS, "bigint", "ubigint", "hugeint"}
_ACCEPTED = {
    "STRING": {"varchar", "enum", "uuid"},
    "INT64": _INTEGERS,
    "FLOAT64": _INTEGERS | {"float", "double", "decimal"},
    "NUMERIC": _INTEGERS | {"decimal"},
    "BOOL": {"boolean"},
    "DATE": {"date"},
    "DATETIME": {"timestamp", "timestamp_s", "timestamp_ms", "date"},
    "TIMESTAMP": {"timestamp with time zone"},
    "BYTES": {"blob"},
}
_KEPT_BY_SOURCES = {
    **_ACCEPTED,
    "FLOAT64": {"float", "double"},
    "NUMERIC": {"decimal"},
    "DATETIME": {"timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"},
}
"""What a source may hold where a type is declared: it is read as it is, so nothing may need a cast."""


def canonical(engine: str) -> str:
    """The recorded name of an engine type."""
    if engine.endswith("[]"):
        inner = canonical(engine[:-2])
        return f"ARRAY<{inner}>" if inner in _ENGINE or inner.startswith("ARRAY<") else engine
    return _CANONICAL.get(engine, engine)


def engine(recorded: str) -> str:
    """The engine type of a recorded or declared name."""
    if recorded.startswith("ARRAY<") and recorded.endswith(">"):
        return f"{engine(recorded[6:-1])}[]"
    return _ENGINE.get(recorded, recorded)


def kept(found: Any) -> str | None:
    """The engine type under which a DuckDBPyType is stored; None where a table cannot keep it."""
    kind = str(found.id)
    if kind in _CAST:
        return _CAST[kind]
    if kind in _PLAIN:
        return str(found)
    if kind in ("list", "array"):
        inner = kept(_child(found, "child"))
        return None if inner is None else f"{inner}[]"
    if kind == "map":
        key, value = kept(_child(found, "key")), kept(_child(found, "value"))
        return None if key is None or value is None else f"MAP({key}, {value})"
    if kind == "struct":
        return _kept_struct(found)
    return None


def _kept_struct(found: Any) -> str | None:
    fields: list[str] = []
    same = True
    for name, child in found.children:
        inner = kept(child)
        if inner is None:
            return None
        same = same and inner == str(child)
        fields.append(f"{quote(name)} {inner}")
    if same:
        return str(found)
    import duckdb

    return str(duckdb.sqltype(f"STRUCT({', '.join(fields)})"))  # quoted as DuckDB itself quotes it


def accepts(declared: str, found: Any, *, source: bool = False) -> bool:
    """Whether a value of the DuckDBPyType `found` is a `declared` one without loss.

    An INT64 may stand in for a FLOAT64 as it does in BigQuery; the writer then checks that no value is beyond
    2^53.
    """
    kind = str(found.id)
    if kind == "null":
        return not source
    if declared.startswith("ARRAY<"):
        return kind in ("list", "array") and accepts(declared[6:-1], _child(found, "child"), source=source)
    if declared == "NUMERIC" and kind == "decimal" and not source:
        facts = dict(found.children)
        return bool(facts["scale"] <= 9 and facts["precision"] - facts["scale"] <= 29)
    return kind in (_KEPT_BY_SOURCES if source else _ACCEPTED)[declared]


def may_round(declared: str, found: Any) -> bool:
    """Whether casting `found` to `declared` changes integers beyond 2^53."""
    return declared == "FLOAT64" and str(found.id) in _INTEGERS - _SMALL_INTEGERS


def may_overflow(target: str, found: Any) -> bool:
    """Whether a value of `found` may be too large for the engine type `target`."""
    return str(found.id) in ("hugeint", "uhugeint", "ubigint") and target != "DOUBLE"


def _child(found: Any, name: str) -> Any:
    return dict(found.children)[name]
