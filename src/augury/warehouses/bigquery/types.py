"""What is a column's type called, what may stand in for a declared type, and which Arrow type has its values?

BigQuery's own names are the canonical ones of `augury.spec.columns`; the API's older names (INTEGER, RECORD) appear
only here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from augury.spec.columns import Column
from augury.warehouses.bigquery.names import quote
from augury.warehouses.contract import TableColumn

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery import SchemaField

_MODERN = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT", "DECIMAL": "NUMERIC"}
_OLD = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
_ACCEPTED = {
    "FLOAT64": {"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC"},
    "NUMERIC": {"INT64", "NUMERIC"},
    "DATETIME": {"DATETIME", "DATE"},
}
"""Types that may stand in for a declared one, where it is not itself alone."""
_WIDENED = {("INT64", "FLOAT64"), ("INT64", "NUMERIC"), ("INT64", "BIGNUMERIC"), ("NUMERIC", "FLOAT64")} | {
    ("NUMERIC", "BIGNUMERIC"),
    ("BIGNUMERIC", "FLOAT64"),
}
"""What a column may be changed to (BigQuery docs: 'ALTER COLUMN SET DATA TYPE statement')."""
_UNORDERED = ("ARRAY", "STRUCT", "JSON", "GEOGRAPHY")
"""Types by which BigQuery cannot order."""


@dataclass(frozen=True)
class Kind:
    """A type: a name of BigQuery's, with the fields of a STRUCT."""

    name: str
    repeated: bool = False
    fields: tuple[tuple[str, Kind], ...] = ()

    def __str__(self) -> str:
        inner = self.name
        if self.name == "STRUCT":
            inner = f"STRUCT<{', '.join(f'{quote(name)} {kind}' for name, kind in self.fields)}>"
        return f"ARRAY<{inner}>" if self.repeated else inner

    @property
    def ordered(self) -> bool:
        return not str(self).startswith(_UNORDERED)


@dataclass(frozen=True)
class Field:
    """A column of a table as it is made."""

    name: str
    kind: Kind
    description: str = ""

    @property
    def column(self) -> TableColumn:
        return TableColumn(self.name, str(self.kind))


def parse(text: str) -> Kind:
    """The Kind of a declared type."""
    if text.startswith("ARRAY<"):
        return Kind(text[6:-1], repeated=True)
    return Kind(text)


def columns(fields: Iterable[Field]) -> tuple[TableColumn, ...]:
    return tuple(field.column for field in fields)


# -- the API's schema ----------------------------------------------------------------------------------------


def read(schema: Iterable[SchemaField]) -> tuple[Field, ...]:
    return tuple(Field(one.name, _kind(one), one.description or "") for one in schema)


def _kind(field: SchemaField) -> Kind:
    name = _MODERN.get(field.field_type.upper(), field.field_type.upper())
    inner = tuple((one.name, _kind(one)) for one in field.fields)
    return Kind(name, field.mode == "REPEATED", inner)


def written(fields: Iterable[Field]) -> list[SchemaField]:
    return [_schema_field(field.name, field.kind, field.description) for field in fields]


def _schema_field(name: str, kind: Kind, description: str = "") -> SchemaField:
    from google.cloud.bigquery import SchemaField

    # An empty description is not sent, so that one given by hand stays.
    more: dict[str, Any] = {"description": description} if description else {}
    return SchemaField(
        name,
        _OLD.get(kind.name, kind.name),
        mode="REPEATED" if kind.repeated else "NULLABLE",
        fields=[_schema_field(inner, child) for inner, child in kind.fields],
        **more,
    )


# -- what fits -----------------------------------------------------------------------------------------------


def accepts(declared: Kind, found: Kind, *, source: bool = False) -> bool:
    """Whether a value of `found` is a `declared` one without loss. A source is read as it is, so nothing may need a
    cast there."""
    if declared.repeated != found.repeated:
        return False
    return found.name == declared.name or (not source and found.name in _ACCEPTED.get(declared.name, ()))


def declared_kind(column: Column) -> Kind:
    return parse(column.type)


def widens(old: Kind, new: Kind) -> bool:
    """Whether a column of `old` can become one of `new` where it lies."""
    return not old.repeated and not new.repeated and (old.name, new.name) in _WIDENED


# -- Arrow ---------------------------------------------------------------------------------------------------


def arrow(kind: Kind) -> pa.DataType:
    """The Arrow type in which the Storage Read API returns a type (BigQuery docs: 'Arrow schema details')."""
    import pyarrow as pa

    plain: dict[str, Any] = {
        "INT64": pa.int64(),
        "FLOAT64": pa.float64(),
        "BOOL": pa.bool_(),
        "NUMERIC": pa.decimal128(38, 9),
        "BIGNUMERIC": pa.decimal256(76, 38),
        "BYTES": pa.binary(),
        "DATE": pa.date32(),
        "TIME": pa.time64("us"),
        "DATETIME": pa.timestamp("us"),
        "TIMESTAMP": pa.timestamp("us", "UTC"),
    }
    if kind.name == "STRUCT":
        found = pa.struct([pa.field(name, arrow(inner)) for name, inner in kind.fields])
    else:
        found = plain.get(kind.name, pa.string())
    return pa.list_(found) if kind.repeated else found


def of_arrow(found: pa.DataType) -> Kind | None:
    """The type in which a table keeps an Arrow type; None where it cannot."""
    import pyarrow.types as at

    if at.is_dictionary(found):
        return of_arrow(found.value_type)
    if at.is_list(found) or at.is_large_list(found) or at.is_fixed_size_list(found):
        inner = of_arrow(found.value_type)
        # BigQuery has no array of arrays ('Data types', 'Array type').
        return Kind(inner.name, True, inner.fields) if inner is not None and not inner.repeated else None
    if at.is_struct(found):
        return _of_struct(found)
    name = _of_plain(found)
    return Kind(name) if name else None


def _of_struct(found: pa.DataType) -> Kind | None:
    fields: list[tuple[str, Kind]] = []
    for at in range(found.num_fields):
        kind = of_arrow(found.field(at).type)
        if kind is None:
            return None
        fields.append((found.field(at).name, kind))
    return Kind("STRUCT", False, tuple(fields)) if fields else None


def _of_plain(found: pa.DataType) -> str | None:
    import pyarrow.types as at

    if at.is_timestamp(found):
        return "TIMESTAMP" if found.tz else "DATETIME"
    if at.is_decimal(found):
        return "NUMERIC" if found.scale <= 9 and found.precision - found.scale <= 29 else "BIGNUMERIC"
    tests = (
        (at.is_null, "INT64"),  # as BigQuery makes an untyped NULL
        (at.is_integer, "INT64"),
        (at.is_floating, "FLOAT64"),
        (at.is_boolean, "BOOL"),
        (at.is_string, "STRING"),
        (at.is_large_string, "STRING"),
        (at.is_binary, "BYTES"),
        (at.is_large_binary, "BYTES"),
        (at.is_fixed_size_binary, "BYTES"),
        (at.is_date, "DATE"),
        (at.is_time, "TIME"),
    )
    return next((name for test, name in tests if test(found)), None)
