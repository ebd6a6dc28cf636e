"""Did augury and the script publish the same rows?

Prints one JSON object; exit code 1 where the two tables differ. Columns that say when and by which model
version a row was predicted are left out; of the others types and values must be equal, money to the cent.

    python -m benchmarks.compare LEFT_FOLDER RIGHT_FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import duckdb

METADATA = {"predicted_at", "model_version", "model_rule", "version", "run_id"}
REQUIRED = {"run_date", "customer_id", "predicted_revenue", "predicted_margin", "segment"}


def compare(left: Path, right: Path) -> dict[str, Any]:
    """Compare two tables, each a folder with one Parquet file per run date, at any depth."""
    with duckdb.connect() as connection:
        types = [_types(connection, folder) for folder in (left, right)]
        shared = sorted((set(types[0]) & set(types[1])) - METADATA)
        columns = ", ".join(f'"{name}"' for name in shared)
        rows = [_count(connection, f"SELECT 1 FROM {_files(folder)}") for folder in (left, right)]
        different = [
            _count(connection, f"SELECT {columns} FROM {_files(a)} EXCEPT ALL SELECT {columns} FROM {_files(b)}")
            for a, b in ((left, right), (right, left))
        ]
    problems = [f"no column {name}" for name in sorted(REQUIRED - set(shared))]
    problems += [
        f"{name} is {types[0][name]} and {types[1][name]}" for name in shared if types[0][name] != types[1][name]
    ]
    problems += [
        f"{count} rows only in {folder}" for folder, count in zip((left, right), different, strict=True) if count
    ]
    if not rows[0]:
        problems.append("no rows at all")
    return {"equal": not problems, "rows": rows, "columns": shared, "problems": problems}


def _files(folder: Path) -> str:
    return f"read_parquet('{folder}/**/*.parquet', hive_partitioning = false)"


def _types(connection: Any, folder: Path) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {_files(folder)}").fetchall()}


def _count(connection: Any, query: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("left", type=Path)
    parser.add_argument("right", type=Path)
    asked = parser.parse_args()
    found = compare(asked.left, asked.right)
    print(json.dumps(found))
    raise SystemExit(0 if found["equal"] else 1)


if __name__ == "__main__":
    main()
