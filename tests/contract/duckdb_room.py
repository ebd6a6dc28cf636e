"""A DuckDB warehouse in a folder, its files, sources beside it, and Python that meets it in another process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from augury import plugins
from augury.spec.columns import Column
from augury.spec.project import SourceSpec
from augury.testing.warehouse_rows import DAY, rows
from augury.warehouses.contract import Bounds, SourceState, Warehouse

EVERYTHING = Bounds(None, None, None)


def opened(
    root: Path,
    *,
    output: Path | None = None,
    project: Path | None = None,
    threads: int | None = None,
    target: str = "dev",
    read_only: bool = False,
) -> Warehouse:
    """The namespace `dev` in `root`."""
    warehouse: Warehouse = plugins.load("warehouses", "duckdb").open(
        root,
        "dev",
        project="shop",
        deployment="",
        target=target,
        project_root=project or root,
        output_root=output,
        threads=threads,
        memory=None,
        read_only=read_only,
    )
    return warehouse


def utc(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def source(**fields: Any) -> SourceSpec:
    columns = {name: Column(type=kind) for name, kind in fields.pop("columns", {}).items()}
    return SourceSpec(columns=columns, **fields)


def state(warehouse: Warehouse, spec: SourceSpec) -> SourceState:
    found = warehouse.source_state(spec)
    assert found is not None
    return found


def seen(warehouse: Warehouse, spec: SourceSpec, bounds: Bounds = EVERYTHING, zone: str = "UTC") -> list[Any]:
    """Values of the first column of the rows inside `bounds`, ascending."""
    relation = warehouse.source_sql(spec, state(warehouse, spec), bounds, zone)
    assert "\n" not in relation
    return sorted(next(iter(row.values())) for row in rows(warehouse, f"SELECT * FROM {relation}"))


def parquet(path: Path, select: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")


def database(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code that has `root` and `w`, a warehouse opened there, in a process of its own."""
    given = "import sys; from pathlib import Path; root = Path(sys.argv[1])\n"
    return subprocess.run(
        [sys.executable, "-c", given + textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def live_file(warehouse: Warehouse, table: str = "people", day: date = DAY) -> Path:
    partition = warehouse.partition(table, day)
    assert partition is not None
    return Path(partition.path)
