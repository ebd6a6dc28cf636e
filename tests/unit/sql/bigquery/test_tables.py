"""Which relations does a query read, and as what?"""

from __future__ import annotations

from collections.abc import Sequence

from augury.sql.bigquery import to_duckdb


class Warehouse:
    """Tells what it was asked; every table is called `physical_<name>`, dashes apart."""

    def __init__(self, *shards: str) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._shards = shards

    def table(self, parts: tuple[str, ...]) -> str | None:
        self.asked.append(parts)
        return f'"physical_{parts[-1]}"'

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        self.asked.append(prefix)
        return [(suffix, f'"shard_{suffix}"') for suffix in self._shards]


def test_names_in_pieces_in_one_quote_and_with_dashes() -> None:
    warehouse = Warehouse()
    sql = "SELECT 1 AS x FROM `a-b.c.d`, `a-b`.c.e JOIN a-b.c.f USING (x) JOIN `c.g` USING (x) JOIN Orders USING (x)"
    to_duckdb(sql, tables=warehouse)
    expected = [("a-b", "c", "d"), ("a-b", "c", "e"), ("a-b", "c", "f"), ("c", "g"), ("Orders",)]
    assert sorted(warehouse.asked) == sorted(expected)


def test_information_schema_is_asked_for_part_by_part() -> None:
    warehouse = Warehouse()
    to_duckdb("SELECT table_name FROM `a-b`.shop.INFORMATION_SCHEMA.TABLES", tables=warehouse)
    assert warehouse.asked == [("a-b", "shop", "INFORMATION_SCHEMA", "TABLES")]


def test_a_cte_is_no_table_but_what_it_reads_may_be_called_alike() -> None:
    warehouse = Warehouse()
    sql = (
        "WITH orders AS (SELECT * FROM orders), big AS (SELECT * FROM orders) SELECT * FROM big JOIN Orders USING (id)"
    )
    translated = to_duckdb(sql, tables=warehouse).sql
    assert warehouse.asked == [("orders",)]
    assert translated.count('"physical_orders"') == 1


def test_a_recursive_cte_reads_itself() -> None:
    warehouse = Warehouse()
    to_duckdb(
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t",
        tables=warehouse,
    )
    assert warehouse.asked == []


def test_a_table_keeps_its_name_as_alias_and_loses_it_to_its_own() -> None:
    assert 'FROM "physical_d" AS "d"' in to_duckdb("SELECT d.x FROM `a.c.d`", tables=Warehouse()).sql
    assert 'FROM "physical_d" AS "o"' in to_duckdb("SELECT o.x FROM `a.c.d` o", tables=Warehouse()).sql


def test_shards_outside_of_literal_bounds_are_not_read() -> None:
    sql = "SELECT x FROM `d.e_*` WHERE _TABLE_SUFFIX BETWEEN '02' AND '03' AND (x = 1 OR _TABLE_SUFFIX = '04')"
    translated = to_duckdb(sql, tables=Warehouse("01", "02", "03", "04")).sql
    assert [suffix for suffix in ("01", "02", "03", "04") if f'"shard_{suffix}"' in translated] == ["02", "03"]
    either = "SELECT x FROM `d.e_*` WHERE _TABLE_SUFFIX = '02' OR x = 1"
    assert to_duckdb(either, tables=Warehouse("01", "02")).sql.count("shard_") == 2


def test_where_no_shard_is_left_the_columns_are_still_known() -> None:
    sql = "SELECT x FROM `d.e_*` WHERE _TABLE_SUFFIX > '99'"
    assert to_duckdb(sql, tables=Warehouse("01", "02")).sql.count("shard_") == 1
