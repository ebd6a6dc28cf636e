"""Which types may a declared column have? BigQuery's names, with the aliases that BigQuery itself accepts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from augury.errors import nearest

TYPES = ("STRING", "INT64", "FLOAT64", "NUMERIC", "BOOL", "DATE", "DATETIME", "TIMESTAMP", "BYTES")
ALIASES = {
    "INTEGER": "INT64",
    "INT": "INT64",
    "BIGINT": "INT64",
    "FLOAT": "FLOAT64",
    "DOUBLE": "FLOAT64",
    "DECIMAL": "NUMERIC",
    "BOOLEAN": "BOOL",
    "VARCHAR": "STRING",
    "TEXT": "STRING",
}


def column_type(text: str) -> str:
    """The canonical name of a type; `ARRAY<T>` of any of them. Raises ValueError for anything else."""
    word = text.strip().upper()
    if word.startswith("ARRAY<") and word.endswith(">"):
        return f"ARRAY<{column_type(word[6:-1])}>"
    word = ALIASES.get(word, word)
    if word not in TYPES:
        close = nearest(word, (*TYPES, *ALIASES))
        raise ValueError(
            f"{text!r} is not a column type{f', did you mean {close}?' if close else ''} ({', '.join(TYPES)})"
        )
    return word


class Column(BaseModel):
    """A declared column. In YAML either this mapping or the short form `INT64 REQUIRED`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Annotated[str, BeforeValidator(column_type)]
    """BigQuery's name of a type: `INT64`, `STRING`, `ARRAY<INT64>`, ..."""
    required: bool = False
    """REQUIRED: a NULL fails the step."""
    description: str = ""
    """What it holds; kept with the table."""


def _short_form(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    words = value.split()
    if len(words) == 2 and words[1].upper() in ("REQUIRED", "NULLABLE"):
        return {"type": words[0], "required": words[1].upper() == "REQUIRED"}
    return {"type": value}


ColumnSpec = Annotated[Column, BeforeValidator(_short_form, json_schema_input_type=str | Column)]
Columns = dict[str, ColumnSpec]
