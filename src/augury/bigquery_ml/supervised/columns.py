"""Which columns does a model learn from, and does a table to be scored have them?

Types are those of BigQuery docs: 'Automatic feature preprocessing'. A STRUCT becomes one feature per field, named
`struct_field`; an ARRAY is many values, one vector of numbers, or a sparse vector as ML.ONE_HOT_ENCODER writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from augury.errors import ModelFailed, nearest

Kind = Literal["number", "bool", "string", "bytes", "date", "datetime", "time", "timestamp"]
Shape = Literal["one", "set", "vector", "sparse"]

MEND = "Cast the column in the query, or leave it out with SELECT * EXCEPT."


class Column(BaseModel):
    """One feature."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    """Column of the query."""
    field: str = ""
    """Of a STRUCT."""
    kind: Kind
    shape: Shape = "one"


Found = tuple[Kind, Shape]


def infer(schema: Any, without: Iterable[str]) -> tuple[Column, ...]:
    """The features of a query's result, in its order. Raises ModelFailed with every column that cannot be one."""
    never = {name.lower() for name in without}
    columns: list[Column] = []
    problems: list[str] = []
    for field in schema:
        if field.name.lower() in never:
            continue
        if pa.types.is_struct(field.type):
            problems += _expand(field, columns)
        elif found := kind_of(field.type):
            columns.append(Column(name=field.name, source=field.name, kind=found[0], shape=found[1]))
        else:
            problems.append(f"{field.name}: {bigquery_type(field.type)} cannot be a feature")
    names = [column.name.lower() for column in columns]
    problems += [
        f"{name}: there are two features of that name" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if not columns and not problems:
        problems.append("no column is left to learn from")
    if problems:
        raise ModelFailed("the features cannot be used", why="; ".join(problems), fix=MEND)
    return tuple(columns)


def _expand(field: Any, columns: list[Column]) -> list[str]:
    """One column per field of a STRUCT; what cannot be used."""
    problems = []
    for at in range(field.type.num_fields):
        part = field.type.field(at)
        found = kind_of(part.type)
        if found:
            columns.append(
                Column(
                    name=f"{field.name}_{part.name}", source=field.name, field=part.name, kind=found[0], shape=found[1]
                )
            )
        else:
            problems.append(f"{field.name}.{part.name}: {bigquery_type(part.type)} inside a STRUCT cannot be a feature")
    return problems


def kind_of(arrow: Any) -> Found | None:
    """None where a model cannot use the type."""
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return _array(arrow.value_type)
    scalar = _scalar(arrow)
    return (scalar, "one") if scalar else None


def _array(element: Any) -> Found | None:
    if pa.types.is_struct(element):
        # ARRAY<STRUCT<index INT64, value FLOAT64>>: 'The ML.ONE_HOT_ENCODER function' and others return it.
        fits = element.num_fields == 2 and pa.types.is_integer(element.field(0).type)
        return ("number", "sparse") if fits and _scalar(element.field(1).type) == "number" else None
    scalar = _scalar(element)
    if scalar is None or scalar == "timestamp":
        return None
    return (scalar, "vector") if scalar == "number" else (scalar, "set")


def _scalar(arrow: Any) -> Kind | None:
    types = pa.types
    if types.is_dictionary(arrow):
        return _scalar(arrow.value_type)
    if types.is_timestamp(arrow):
        return "timestamp" if arrow.tz else "datetime"
    tests: tuple[tuple[Kind, tuple[Callable[[Any], bool], ...]], ...] = (
        ("number", (types.is_integer, types.is_floating, types.is_decimal, types.is_null)),
        ("bool", (types.is_boolean,)),
        ("string", (types.is_string, types.is_large_string, types.is_string_view)),
        ("bytes", (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)),
        ("date", (types.is_date,)),
        ("time", (types.is_time,)),
    )
    return next((kind for kind, checks in tests if any(check(arrow) for check in checks)), None)


_NAMES: Mapping[Kind, str] = {
    "bool": "BOOL",
    "string": "STRING",
    "bytes": "BYTES",
    "date": "DATE",
    "datetime": "DATETIME",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
}


def bigquery_type(arrow: Any) -> str:
    """The type as BigQuery writes it; Arrow's own name where it has no such type."""
    if pa.types.is_struct(arrow):
        fields = (arrow.field(at) for at in range(arrow.num_fields))
        return f"STRUCT<{', '.join(f'{field.name} {bigquery_type(field.type)}' for field in fields)}>"
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return f"ARRAY<{bigquery_type(arrow.value_type)}>"
    kind = _scalar(arrow)
    if kind is None:
        return str(arrow)
    if kind != "number":
        return _NAMES[kind]
    if pa.types.is_decimal(arrow):
        return "NUMERIC" if arrow.precision <= 38 and arrow.scale <= 9 else "BIGNUMERIC"
    return "FLOAT64" if pa.types.is_floating(arrow) else "INT64"


@dataclass(frozen=True)
class Binding:
    """Where the features stand in batches of one schema."""

    columns: tuple[Column, ...]
    places: tuple[int, ...]
    """Position of each feature's column."""

    def arrays(self, batch: Any) -> list[Any]:
        """One plain Arrow array per feature."""
        out = []
        for column, place in zip(self.columns, self.places, strict=True):
            array = plain(batch.column(place))
            if column.field and not pa.types.is_null(array.type):
                import pyarrow.compute as pc

                # Unlike `field`, this gives NULL where the whole STRUCT is NULL.
                array = plain(pc.struct_field(array, indices=_field(array.type, column.field)))
            out.append(array)
        return out


def bind(schema: Any, columns: Sequence[Column], inputs: Mapping[str, str]) -> Binding:
    """Raises ModelFailed with every feature that is missing or of another type."""
    places: list[int] = []
    problems: list[str] = []
    for column in columns:
        place = find(schema, column.source, inputs)
        if isinstance(place, str):
            problems.append(place)
            continue
        places.append(place)
        problem = _differs(schema.field(place).type, column)
        if problem:
            problems.append(problem)
    if problems:
        raise ModelFailed(
            "the rows lack what the model was trained with",
            why="; ".join(dict.fromkeys(problems)),
            fix="Return these columns from the query, with the types of training.",
        )
    return Binding(tuple(columns), tuple(places))


def find(schema: Any, name: str, inputs: Mapping[str, str]) -> int | str:
    """The position of a column, whatever its letter case; what is wrong where there is none, or more than one."""
    wanted = inputs.get(name, name).lower()
    places = [at for at, known in enumerate(schema.names) if known.lower() == wanted]
    if len(places) == 1:
        return places[0]
    if places:
        return f"{name}: there are {len(places)} columns of that name"
    close = nearest(name, schema.names)
    return f"{name}: there is no such column" + (f", did you mean {close}?" if close else "")


def _differs(arrow: Any, column: Column) -> str | None:
    if pa.types.is_null(arrow):
        return None
    if column.field:
        if not pa.types.is_struct(arrow):
            return f"{column.source}: expected a STRUCT, got {bigquery_type(arrow)}"
        at = _field(arrow, column.field)
        if at is None:
            return f"{column.source}: the STRUCT has no field {column.field}"
        arrow = arrow.field(at).type
    if pa.types.is_null(arrow) or kind_of(arrow) == (column.kind, column.shape):
        return None
    return f"{column.name}: expected {_expected(column)}, got {bigquery_type(arrow)}"


def _expected(column: Column) -> str:
    name = "a number" if column.kind == "number" else _NAMES[column.kind]
    if column.shape == "sparse":
        return "ARRAY<STRUCT<INT64, FLOAT64>>"
    return name if column.shape == "one" else f"an ARRAY of {'numbers' if column.kind == 'number' else name}"


def _field(arrow: Any, name: str) -> int | None:
    names = [arrow.field(at).name.lower() for at in range(arrow.num_fields)]
    return names.index(name.lower()) if name.lower() in names else None


def plain(column: Any) -> Any:
    """One array of a simple type: one chunk, no dictionary, no view."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    arrow = column.type
    if pa.types.is_dictionary(arrow):
        return column.dictionary_decode()
    if pa.types.is_string_view(arrow):
        return column.cast(pa.string())
    return column.cast(pa.binary()) if pa.types.is_binary_view(arrow) else column
