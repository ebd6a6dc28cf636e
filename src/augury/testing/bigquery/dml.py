"""INSERT, UPDATE, DELETE and TRUNCATE. BigQuery docs: "Data manipulation language (DML) statements in GoogleSQL".

A statement becomes a SELECT of what it means for which rows, in BigQuery's SQL, which is then translated like any
other; the rows of the target carry their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from augury.errors import nearest
from augury.names import quote
from augury.testing.bigquery import selects, writing
from augury.testing.bigquery.catalog import Table, TableId
from augury.testing.bigquery.clauses import reader_of
from augury.testing.bigquery.gathering import gathered
from augury.testing.bigquery.literals import alike
from augury.testing.bigquery.parameters import Parameters
from augury.testing.bigquery.refusals import invalid, missing, not_imitated
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import WIDER, Field, duckdb_type, named
from augury.testing.bigquery.statements import Statement, invalid_query
from augury.testing.bigquery.store import Change, milliseconds

ROW = "_row_of_the_target"


@dataclass(frozen=True)
class Counts:
    """`dmlStats`."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class Edit:
    """A statement in the middle of its change."""

    change: Change
    scope: Scope
    parameters: Parameters

    def rows(self, sql: str, *, twice: bool = False) -> tuple[str, tuple[Field, ...]]:
        """The rows of a SELECT in BigQuery's SQL, in a table of their own."""
        return gathered(self.scope, sql, self.parameters, twice=twice)

    def run(self, sql: str) -> int:
        return int(self.change.cursor.execute(sql).fetchall()[0][0])

    def drop(self, *physical: str) -> None:
        for one in physical:
            self.change.cursor.execute(f"DROP TABLE {one}")

    def target(self, found: Any) -> Table:
        """The table that a statement changes; queries then see its row ids."""
        path = tuple(piece for part in found.parts for piece in part.name.split("."))
        it = self.scope.id_of(path)
        self.scope.located(it.within)
        table = self.change.state.tables.get(it)
        if table is None:
            raise missing("Table", f"{it} was not found in location {self.scope.location}")
        if table.view is not None or table.physical is None:
            raise invalid(f"Cannot change the rows of a view: {it}")
        self.scope.read[it] = table
        columns = ", ".join(quote(one["name"]) for one in table.fields)
        self.scope.instead[it] = f"(SELECT {columns}, rowid AS {quote(ROW)} FROM {table.physical})"
        return table

    def touched(self, found: TableId) -> None:
        table = self.change.state.tables[found]
        self.change.put(table.changed(self.change.next_version(), milliseconds()))


def insert(edit: Edit, statement: Statement) -> Counts:
    from sqlglot import exp

    tree = selects.parsed(statement.text)
    path = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    table = edit.target(path)
    # Rows that go in see the target as it is, without row ids, and read it only where their query names it.
    del edit.scope.instead[table.id], edit.scope.read[table.id]
    chosen = [one.name for one in tree.this.expressions] if isinstance(tree.this, exp.Schema) else None
    columns = [column(table, name) for name in chosen] if chosen else list(table.fields)
    rows = tree.expression
    if isinstance(rows, exp.Values):
        count = _insert_values(edit, table, columns, rows)
    else:
        staged, fields = edit.rows(_query_of(statement), twice=True)
        count = put_in(edit, table, columns, staged, fields, loosely=False)
    return Counts(inserted=count)


def _query_of(statement: Statement) -> str:
    """The query of INSERT ... SELECT, on its own lines."""
    reader = reader_of(statement)
    while reader.word not in ("SELECT", "WITH") and reader.place < len(reader.tokens):
        if reader.word == "(":
            before = reader.place
            inner = reader.group().lstrip().upper()
            if inner.startswith(("SELECT", "WITH", "(")):
                reader.place = before
                break
        else:
            reader.place += 1
    return reader.rest()


def _insert_values(edit: Edit, table: Table, columns: Sequence[Field], rows: Any) -> int:
    """Literals of VALUES take the types of their columns."""
    from sqlglot import exp

    found = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in rows.expressions]
    for cells in found:
        if len(cells) != len(columns):
            raise invalid_query(f"Inserted row has wrong column count; Has {len(cells)}, expected {len(columns)}")
        if any(isinstance(cell, exp.Var) and cell.name.upper() == "DEFAULT" for cell in cells):
            raise not_imitated("DEFAULT in VALUES")
    total = 0
    for some in alike(found, edit.parameters):
        named_cells = (
            ", ".join(f"{cell.sql('bigquery')} AS v{number}" for number, cell in enumerate(cells)) for cells in some
        )
        staged, fields = edit.rows(" UNION ALL ".join(f"SELECT {one}" for one in named_cells))
        total += put_in(edit, table, columns, staged, fields, loosely=True)
    return total


def put_in(
    edit: Edit, table: Table, columns: Sequence[Field], staged: str, fields: Sequence[Field], *, loosely: bool
) -> int:
    """Append rows by position, in the types of their columns."""
    if len(fields) != len(columns):
        raise invalid_query(f"Inserted row has wrong column count; Has {len(fields)}, expected {len(columns)}")
    for given, into in zip(fields, columns, strict=True):
        fits = given["type"] == into["type"] or into["type"] in WIDER.get(given["type"], ())
        if not loosely and not fits and not _all_null(edit, staged, given):
            raise invalid_query(
                f"Query column {given['name']} has type {given['type']} which cannot be inserted into column "
                f"{into['name']}, which has type {into['type']}"
            )
    typed = edit.change.new_rows()
    cells = (
        f"CAST({quote(given['name'])} AS {duckdb_type(into)}) AS {quote(into['name'])}"
        for given, into in zip(fields, columns, strict=True)
    )
    selects.execute(edit.change.cursor, f"CREATE TABLE {typed} AS SELECT {', '.join(cells)} FROM {staged}")
    goal = writing.Target(table.id, create="CREATE_NEVER")
    count = writing.write(edit.change, goal, typed, _as_given(columns))
    edit.drop(staged, typed)
    return count


def _as_given(columns: Sequence[Field]) -> list[Field]:
    return [{**one, "mode": "NULLABLE"} if one["mode"] == "REQUIRED" else one for one in columns]


def _all_null(edit: Edit, staged: str, field: Field) -> bool:
    """An untyped NULL fits every column."""
    return edit.run(f"SELECT count({quote(field['name'])}) FROM {staged}") == 0


def column(table: Table, name: str) -> Field:
    found = named(table.fields, name)
    if found is None:
        close = nearest(name, [one["name"] for one in table.fields])
        hint = f"; Did you mean {close}?" if close else ""
        raise invalid_query(f"Column {name} is not present in table {table.id}{hint}")
    return found


def delete(edit: Edit, statement: Statement) -> Counts:
    from sqlglot import exp

    tree = selects.parsed(statement.text)
    path = tree.this if isinstance(tree.this, exp.Table) else tree.args["tables"][0]
    where = tree.args.get("where")
    if where is None:
        raise invalid_query("Syntax error: DELETE must have a WHERE clause")
    table = edit.target(path)
    staged, _ = edit.rows(f"SELECT {ROW} FROM {path.sql('bigquery')} {where.sql('bigquery')}")
    count = _delete(edit, table, staged)
    edit.touched(table.id)
    return Counts(deleted=count)


def _delete(edit: Edit, table: Table, staged: str) -> int:
    count = edit.run(f"DELETE FROM {table.physical} WHERE rowid IN (SELECT {quote(ROW)} FROM {staged})")
    edit.drop(staged)
    return count


def delete_rows(edit: Edit, table: Table, staged: str) -> int:
    """The rows whose ids are staged; each once."""
    _once(edit, staged)
    return _delete(edit, table, staged)


def update(edit: Edit, statement: Statement) -> Counts:
    tree = selects.parsed(statement.text)
    where = tree.args.get("where")
    if where is None:
        raise invalid_query("Syntax error: UPDATE must have a WHERE clause")
    table = edit.target(tree.this)
    sets = assignments(table, tree.expressions)
    others = tree.args.get("from_")
    more = f", {others.this.sql('bigquery')}" if others is not None else ""
    name = quote(tree.this.alias_or_name, "bigquery")
    cells = [f"{name}.{ROW}", *(f"{value} AS v{number}" for number, (_, value) in enumerate(sets))]
    sql = f"SELECT {', '.join(cells)} FROM {tree.this.sql('bigquery')}{more} {where.sql('bigquery')}"
    staged, _ = edit.rows(sql)
    count = update_rows(edit, table, staged, [one for one, _ in sets])
    edit.touched(table.id)
    return Counts(updated=count)


def assignments(table: Table, found: Sequence[Any]) -> list[tuple[Field, str]]:
    """(column, BigQuery expression) of each `column = expression`."""
    from sqlglot import exp

    out = []
    for one in found:
        if not isinstance(one, exp.EQ) or not isinstance(one.this, exp.Column):
            raise not_imitated(f"the assignment {one.sql('bigquery')[:80]}")
        if one.this.table and named(table.fields, one.this.table) is not None:
            raise not_imitated(f"assigning to a part of a RECORD ({one.this.sql('bigquery')})")
        out.append((column(table, one.this.name), one.expression.sql("bigquery")))
    return out


def update_rows(edit: Edit, table: Table, staged: str, columns: Sequence[Field]) -> int:
    """Give the staged values v0, v1, ... to the rows whose ids are staged."""
    _once(edit, staged)
    sets = ", ".join(f"{quote(one['name'])} = CAST(s.v{n} AS {duckdb_type(one)})" for n, one in enumerate(columns))
    for number, one in enumerate(columns):
        if one["mode"] == "REQUIRED" and edit.run(f"SELECT count(*) FROM {staged} WHERE v{number} IS NULL"):
            raise invalid(f"Required field {one['name']} cannot be null")
    sql = f"UPDATE {table.physical} AS t SET {sets} FROM {staged} AS s WHERE t.rowid = s.{quote(ROW)}"
    count = int(selects.execute(edit.change.cursor, sql)[0][0])
    edit.drop(staged)
    return count


def _once(edit: Edit, staged: str) -> None:
    if edit.run(f"SELECT count(*) - count(DISTINCT {quote(ROW)}) FROM {staged}"):
        raise invalid_query("UPDATE/MERGE must match at most one source row for each target row")


def truncate(edit: Edit, statement: Statement) -> Counts:
    from sqlglot import exp

    reader = reader_of(statement)
    reader.need("TRUNCATE")
    reader.need("TABLE")
    path = reader.path()
    reader.end()
    table = edit.target(exp.Table(this=exp.to_identifier(".".join(path), quoted=True)))
    count = edit.run(f"DELETE FROM {table.physical}")
    edit.touched(table.id)
    return Counts(deleted=count)
