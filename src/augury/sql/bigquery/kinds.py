"""What type has an expression, as far as it can be seen without a schema?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from augury.sql.bigquery.calling import Context

_DUCKDB = {
    "BOOLEAN": "BOOLEAN", "TINYINT": "BIGINT", "SMALLINT": "BIGINT", "INT": "BIGINT", "BIGINT": "BIGINT",
    "FLOAT": "DOUBLE", "DOUBLE": "DOUBLE", "DECIMAL": "DECIMAL(38, 9)", "BIGDECIMAL": "DECIMAL(38, 18)",
    "TEXT": "VARCHAR", "VARCHAR": "VARCHAR", "BINARY": "BLOB", "VARBINARY": "BLOB", "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP", "DATETIME": "TIMESTAMP", "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "TIME": "TIME",
    "JSON": "JSON", "INTERVAL": "INTERVAL",
}  # fmt: skip
_KINDS = {
    "BOOLEAN": "BOOL", "BIGINT": "INT64", "DOUBLE": "FLOAT64", "DECIMAL(38, 9)": "NUMERIC", "VARCHAR": "STRING",
    "BLOB": "BYTES", "DATE": "DATE", "TIMESTAMP": "DATETIME", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIME": "TIME",
    "JSON": "JSON", "DECIMAL(38, 18)": "BIGNUMERIC", "INTERVAL": "INTERVAL",
}  # fmt: skip


def duckdb_type(node: exp.Expr) -> str | None:
    """The type of DuckDB for a type of BigQuery; None where there is none."""
    from sqlglot import exp

    if not isinstance(node, exp.DataType):
        return None
    name = node.this.name if hasattr(node.this, "name") else str(node.this)
    if name == "ARRAY":
        inner = duckdb_type(node.expressions[0]) if node.expressions else None
        return f"{inner}[]" if inner else None
    if name == "STRUCT":
        fields = []
        for at, field in enumerate(node.expressions):
            named = isinstance(field, exp.ColumnDef)
            inner = duckdb_type(field.args["kind"] if named else field)
            if inner is None:
                return None
            key = field.name.partition("\0")[0] if named else f"_field_{at + 1}"
            fields.append('"' + key.replace('"', '""') + f'" {inner}')
        return f"STRUCT({', '.join(fields)})"
    if node.expressions and name in ("DECIMAL", "BIGDECIMAL"):
        # NUMERIC(p[, s]) rounds to s digits; without s to none.
        digits = [item.name for item in node.expressions]
        return f"DECIMAL({digits[0]}, {digits[1] if len(digits) > 1 else 0})"
    return None if node.expressions else _DUCKDB.get(name)


def kind_of_type(type_: str) -> str:
    """The type of BigQuery for a type as `duckdb_type` gives it."""
    if type_.endswith("[]"):
        return "ARRAY"
    return _KINDS.get(type_) or ("NUMERIC" if type_.startswith("DECIMAL") else "STRUCT")


def kind_of(node: exp.Expr, context: Context) -> str | None:
    """None where only the schema could tell."""
    from sqlglot import exp

    known = node.meta.get("kind")
    if known is not None or isinstance(node, exp.Var | exp.Column):
        return known
    if isinstance(node, exp.Paren | exp.Alias | exp.Neg):
        return kind_of(node.this, context)
    if isinstance(node, exp.Literal):
        return "STRING" if node.is_string else ("INT64" if node.this.isdigit() else "FLOAT64")
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return _combined(kind_of(node.this, context), kind_of(node.expression, context))
    if isinstance(node, exp.DPipe):
        return kind_of(node.this, context)
    if isinstance(node, exp.Boolean | exp.Predicate | exp.Connector | exp.Not):
        return "BOOL"
    if isinstance(node, exp.Case):
        branches = [branch.args["true"] for branch in node.args["ifs"]]
        default = node.args.get("default")
        kinds = {kind_of(branch, context) for branch in [*branches, *([default] if default else [])]}
        return kinds.pop() if len(kinds) == 1 else None
    return None


def _combined(left: str | None, right: str | None) -> str | None:
    if "FLOAT64" in (left, right):
        return "FLOAT64"
    if left == right or right == "INT64":
        return left
    return right if left == "INT64" else None
