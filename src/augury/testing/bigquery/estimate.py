"""Which bytes does a query read: which columns, of which partitions?

BigQuery docs: "Estimate and control costs" (columns that the query needs are read whole), "Query partitioned tables"
(partitions are left out by constant conditions on the partitioning column, `requirePartitionFilter`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from augury.names import quote
from augury.testing.bigquery import partitions, pruning, selects
from augury.testing.bigquery.catalog import Table, TableId
from augury.testing.bigquery.parameters import Parameters
from augury.testing.bigquery.refusals import Refusal
from augury.testing.bigquery.resolving import Scope

STAR_AFTER = ("SELECT", "DISTINCT", "ALL", ",", ".")


def weights(scope: Scope, sql: str, parameters: Parameters, *, rewritten: TableId | None = None) -> list[int]:
    """Bytes per table. Refuses a query that a table with a required partition filter does not allow.

    UPDATE, DELETE and MERGE read all columns of the table that they rewrite once more (BigQuery docs: "Estimate and
    control costs", DML statements).
    """
    texts = [sql, *(table.view for table in scope.read.values() if table.view is not None)]
    words, star = _spoken(texts)
    kept = pruning.needed(scope, sql)
    out = []
    for _, table in sorted(scope.read.items()):
        if table.view is not None:
            continue
        columns = [
            one["name"]
            for one in table.fields
            if (one["name"].lower() in kept[table.id] if kept else star or one["name"].lower() in words)
        ]
        if table.stamped and {"_partitiontime", "_partitiondate"} & words:
            columns.append(partitions.STAMP)
        where = _kept(scope, table, texts, parameters)
        cursor, sizes = scope.snapshot.cursor, scope.service.sizes
        out.append(sizes.part(cursor, table, columns, where)[1])
        if table.id == rewritten:
            out[-1] += sizes.part(cursor, table, [one["name"] for one in table.fields], where)[1]
    return out


def _spoken(texts: list[str]) -> tuple[set[str], bool]:
    """Names that the texts mention, and whether there is a `*` that means all columns. A name that several tables have
    counts for each. For statements whose columns cannot be followed to their tables."""
    import sqlglot

    words: set[str] = set()
    star = False
    for text in texts:
        tokens = sqlglot.tokenize(text, read="bigquery")
        for before, token in zip([None, *tokens], tokens, strict=False):
            words.update(token.text.lower().split("."))
            star = star or (token.text == "*" and before is not None and before.text.upper() in STAR_AFTER)
            # ML.PREDICT(MODEL m, TABLE t) reads the whole table.
            star = star or (token.text.upper() == "TABLE" and before is not None and before.text == ",")
    return words, star


def _kept(scope: Scope, table: Table, texts: list[str], parameters: Parameters) -> str:
    """DuckDB's condition for the partitions that have to be read."""
    if table.partitioning is None:
        return "true"
    conditions = [one for text in texts for one in _conditions(text, table)]
    if not conditions:
        if table.settings.get("requirePartitionFilter"):
            column = table.partitioning.field or "_PARTITIONTIME', '_PARTITIONDATE"
            raise Refusal(
                "invalidQuery",
                f"Cannot query over table '{'.'.join(table.id)}' without a filter over column(s) '{column}' that can "
                "be used for partition elimination",
                location="query",
            )
        return "true"
    name = quote(".".join(table.id), "bigquery")
    column = quote(table.partitioning.field or partitions.STAMP, "bigquery")
    inner = Scope(scope.service, scope.snapshot, scope.project, location=scope.location)
    # A table that is read twice is read where either condition holds.
    sql = f"SELECT {column} AS kept FROM {name} WHERE {' OR '.join(f'({one})' for one in conditions)}"
    out = selects.translated(sql, inner, parameters).sql
    values = selects.used(out, parameters)
    part = partitions.name_sql(table, quote("kept"))
    found = selects.execute(scope.snapshot.cursor, f"SELECT DISTINCT {part} FROM ({out})", values)
    if not found:
        return "false"
    chosen = ", ".join(f"'{one[0]}'" for one in found)
    return f"{partitions.name_sql(table)} IN ({chosen})"


def _conditions(text: str, table: Table) -> Iterator[str]:
    """The constant conditions on the partitioning column, of each SELECT, UPDATE or DELETE that reads the table."""
    from sqlglot import exp

    try:
        tree = selects.parsed(text)
    except Refusal:
        # ML functions in a FROM are not sqlglot's: such a query is estimated without pruning.
        return
    assert table.partitioning is not None
    wanted = {(table.partitioning.field or partitions.STAMP).lower()}
    if table.partitioning.field is None:
        wanted.add("_partitiondate")
    for where in tree.find_all(exp.Where):
        holder = where.parent
        aliases = {one.alias_or_name for one in _tables(holder) if _is(one, table)}
        if not aliases:
            continue
        terms = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
        kept = [one.copy() for one in terms if _constant(one, wanted, aliases)]
        if kept:
            yield " AND ".join(f"({_bare(one)})" for one in kept)


def _tables(holder: Any) -> Iterator[Any]:
    """Tables of a statement's own FROM and JOINs."""
    from sqlglot import exp

    for key in ("from_", "joins", "this", "tables", "using"):
        found = holder.args.get(key)
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, exp.From | exp.Join) and isinstance(one.this, exp.Table):
                yield one.this
            elif isinstance(one, exp.Table):
                yield one


def _is(found: Any, table: Table) -> bool:
    path = [piece for part in found.parts for piece in part.name.split(".")]
    name = path[-1]
    fits = table.id.table.startswith(name[:-1]) if name.endswith("*") else name == table.id.table
    return fits and (len(path) < 2 or path[-2] == table.id.dataset)


def _constant(term: Any, wanted: set[str], aliases: set[str]) -> bool:
    from sqlglot import exp

    columns = list(term.find_all(exp.Column))
    if not columns or term.find(exp.Select) is not None:
        return False
    return all(one.name.lower() in wanted and (not one.table or one.table in aliases) for one in columns)


def _bare(term: Any) -> str:
    """The condition without the alias of its table."""
    from sqlglot import exp

    for one in term.find_all(exp.Column):
        one.set("table", None)
    return str(term.sql("bigquery"))
