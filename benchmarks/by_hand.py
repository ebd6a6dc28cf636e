"""What would a good engineer write for this work without augury?

One process, one DuckDB connection, one model load. For each date every table is written under another name
and moved over the old one, so a reader of the published table sees the old file or the new one. Published and
archived files are hard links of the staged one. Nothing is synced to disk, recorded, logged, planned or
resumed: a crash is mended by running it again. What is compared is exactly that difference.

    python -m benchmarks.by_hand --size 200k --out DIR --dates 30 --jobs 2
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

# Two cores are shared by two dates at a time: OpenMP's threads must sleep, not spin, while they wait.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import duckdb
import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import work
from benchmarks.work import SIZES, Size

COMPRESSION = "snappy"
"""As augury writes: zstd saves a quarter of the bytes and costs a third more time to write."""
BATCH_ROWS = 65_536


class Script:
    def __init__(self, size: Size, out: Path, jobs: int) -> None:
        self.size = size
        self.out = out
        self.jobs = jobs
        self.connection = duckdb.connect()
        self.seconds: dict[str, float] = defaultdict(float)
        if jobs > 1:
            # Dates side by side with one thread each: aggregation by two threads costs 1.4 times the CPU.
            self.connection.execute("SET threads = 1")
        self.booster = lightgbm.Booster(model_file=size.model)

    def run(self, days: list[date], only_predict: bool = False) -> None:
        act = self.predict if only_predict else self.one_date
        if self.jobs == 1:
            for day in days:
                act(self.connection, day)
            return
        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(lambda day: act(self.connection.cursor(), day), days))

    def one_date(self, cursor: Any, day: date) -> None:
        self.timed("prepare", self.prepare, cursor, day)
        self.timed("filter", self.filter, cursor, day)
        self.timed("predict", self.predict, cursor, day)
        self.timed("post_process", self.post_process, cursor, day)
        self.timed("validate", self.validate, cursor, day)
        self.timed("publish", self.link, "predictions", day)
        self.timed("archive", self.link, "archive", day)

    def timed(self, step: str, act: Callable[..., None], *arguments: Any) -> None:
        began = time.perf_counter()
        act(*arguments)
        self.seconds[step] += time.perf_counter() - began

    # -- the steps -------------------------------------------------------------------------------------------

    def prepare(self, cursor: Any, day: date) -> None:
        orders = f"(SELECT * FROM read_parquet('{self.size.orders}') WHERE ordered_at < DATE '{day}')"
        self.write(cursor, "prepare", day, work.prepare(orders, f"DATE '{day}'"))

    def filter(self, cursor: Any, day: date) -> None:
        self.write(cursor, "filter", day, work.filter_(self.relation("prepare", day)))

    def predict(self, cursor: Any, day: date) -> None:
        """Stream the filtered rows through the model into a file, batch by batch."""
        prepared, filtered = self.relation("prepare", day), self.relation("filter", day)
        rows = cursor.sql(f"SELECT p.* FROM {prepared} AS p SEMI JOIN {filtered} AS f USING (customer_id)")
        reader = rows.to_arrow_reader(BATCH_ROWS)
        schema = reader.schema.append(pa.field(work.PREDICTED, pa.float64()))
        with (
            Replaced(self.file("predict", day)) as file,
            pq.ParquetWriter(file, schema, compression=COMPRESSION) as writer,
        ):
            for batch in reader:
                matrix = np.column_stack([batch.column(name).to_numpy() for name in work.FEATURES])
                scores = self.booster.predict(matrix, num_threads=1 if self.jobs > 1 else 0)
                writer.write_batch(pa.record_batch([*batch.columns, pa.array(scores)], schema=schema))

    def post_process(self, cursor: Any, day: date) -> None:
        formulas = work.post_process(self.relation("predict", day))
        self.write(cursor, "staging", day, f"SELECT *, '1' AS model_version, now() AS predicted_at FROM ({formulas})")

    def validate(self, cursor: Any, day: date) -> None:
        result = cursor.execute(work.validation(self.relation("staging", day)))
        names = [column[0] for column in result.description]
        (verdicts,) = result.fetchall()
        wrong = [name for name, verdict in zip(names, verdicts, strict=True) if verdict is not True]
        if wrong:
            raise SystemExit(f"{day}: {', '.join(wrong)}")

    def link(self, table: str, day: date) -> None:
        with Replaced(self.file(table, day)) as file:
            file.hardlink_to(self.file("staging", day))

    # -- files -----------------------------------------------------------------------------------------------

    def file(self, table: str, day: date) -> Path:
        return self.out / table / f"run_date={day}" / "part-0.parquet"

    def relation(self, table: str, day: date) -> str:
        return f"read_parquet('{self.file(table, day)}', hive_partitioning = false)"

    def write(self, cursor: Any, table: str, day: date, query: str) -> None:
        with Replaced(self.file(table, day)) as file:
            cursor.execute(
                f"COPY (SELECT DATE '{day}' AS run_date, * FROM ({query})) TO '{file}'"
                f" (FORMAT parquet, COMPRESSION {COMPRESSION})"
            )


class Replaced:
    """A file written under another name that takes its place when it is complete."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.other = file.with_suffix(".tmp")

    def __enter__(self) -> Path:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.other.unlink(missing_ok=True)
        return self.other

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.other.replace(self.file)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dates", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only-predict", action="store_true", help="score tables that an earlier run wrote")
    parser.add_argument("--steps", action="store_true", help="print the milliseconds per date of each step")
    asked = parser.parse_args()
    script = Script(SIZES[asked.size], asked.out, asked.jobs)
    script.run(work.last_dates(asked.dates), asked.only_predict)
    if asked.steps:
        for step, seconds in script.seconds.items():
            print(f"{step:<14}{1000 * seconds / asked.dates:8.2f} ms per date")


if __name__ == "__main__":
    main()
