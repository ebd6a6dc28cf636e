"""What does ML.PREDICT on DuckDB cost beside the bare model over the same Parquet file?

Both read the file through DuckDB in batches of the same size and add up what the same boosted tree predicts; the bare
script fills a matrix and calls XGBoost, nothing else. They take turns, each in a process of its own, and the fastest
turn of each counts: on a shared machine the others measure the neighbours. Memory is the peak of the whole process.

    python -m benchmarks.ml_predict --rows 5000000
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Measure, measure, python

FEATURES = tuple(f"f{number}" for number in range(10))
BATCH_ROWS = 65_536


def prepare(folder: Path, rows: int, trees: int) -> None:
    """The Parquet file, and a model trained on its first rows."""
    connection = connected(folder)
    columns = ", ".join(f"random() AS {name}" for name in FEATURES)
    label = " + ".join(f"{number + 1} * {name}" for number, name in enumerate(FEATURES))
    connection.execute("SELECT setseed(0.5)")
    connection.execute(
        f"COPY (SELECT i AS id, {columns} FROM range({rows}) AS r(i)) TO '{folder}/rows.parquet' (FORMAT parquet)"
    )
    connection.execute(f"CREATE VIEW rows AS FROM read_parquet('{folder}/rows.parquet')")
    connection.execute(f"CREATE VIEW train AS SELECT * EXCLUDE (id), {label} AS y FROM rows LIMIT 50000")
    opened(folder, connection).execute(
        "CREATE MODEL d.m OPTIONS(model_type='boosted_tree_regressor', input_label_cols=['y'], "
        f"max_iterations={trees}, early_stop=FALSE) AS SELECT * FROM train"
    )


def connected(folder: Path) -> Any:
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    if (folder / "rows.parquet").exists():
        connection.execute(f"CREATE VIEW rows AS FROM read_parquet('{folder}/rows.parquet')")
    return connection


def opened(folder: Path, connection: Any) -> Any:
    from augury.bigquery_ml.duckdb_engine import DuckDBEngine
    from augury.bigquery_ml.session import Session
    from augury.bigquery_ml.store import ModelStore

    return Session(DuckDBEngine(connection, batch_rows=BATCH_ROWS), ModelStore(folder / "models"))


def bare(folder: Path) -> float:
    """Scan, matrix, predict, sum."""
    import numpy as np

    from augury.models.xgboost_library import Booster

    (path,) = (folder / "models").glob("*/v-*/*.ubj")
    # XGBoost's package costs seconds of CPU to import where pandas is installed: its C library is what counts here.
    booster = Booster(path.read_bytes())
    booster.set_param({"nthread": 1})
    total = 0.0
    for batch in connected(folder).sql("SELECT * FROM rows").to_arrow_reader(BATCH_ROWS):
        matrix = np.empty((batch.num_rows, len(FEATURES)))
        for number, name in enumerate(FEATURES):
            matrix[:, number] = batch.column(name).to_numpy()
        total += float(booster.inplace_predict(matrix).sum(dtype="float64"))
    return total


def through_sql(folder: Path) -> float:
    """The same through the session, with every column handed on."""
    import pyarrow.compute as pc

    total = 0.0
    with opened(folder, connected(folder)).read("SELECT * FROM ML.PREDICT(MODEL d.m, TABLE rows)") as reader:
        for batch in reader:
            total += pc.sum(batch.column("predicted_y")).as_py()
    return total


def turns(folder: Path, repeats: int) -> tuple[Measure, Measure]:
    """(bare, ML.PREDICT), the fastest of each."""
    found: dict[str, list[Measure]] = {"bare": [], "sql": []}
    totals: set[str] = set()
    for number in range(repeats):
        for name in sorted(found, reverse=bool(number % 2)):
            output = folder / f"{name}.txt"
            found[name].append(measure(python("ml_predict", "--run", name, "--folder", str(folder)), output))
            totals.add(output.read_text().split()[-1])
    assert len(totals) == 1, f"the sums differ: {totals}"
    best = {name: min(each, key=lambda one: one.cpu) for name, each in found.items()}
    return best["bare"], best["sql"]


def report(rows: int, trees: int, repeats: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ml_predict-"))
    try:
        print("      rows    bare s     SQL s   ratio  bare CPU   SQL CPU   ratio  MB")
        for size in (rows // 5, rows):
            place = folder / str(size)
            place.mkdir()
            write(place, size, trees)
            alone, sql = turns(place, repeats)
            print(
                f"{size:>10}  {alone.wall:8.2f}  {sql.wall:8.2f}  {sql.wall / alone.wall:6.3f}  "
                f"{alone.cpu:8.2f}  {sql.cpu:8.2f}  {sql.cpu / alone.cpu:6.3f}  {alone.memory:.0f} / {sql.memory:.0f}"
            )
    finally:
        shutil.rmtree(folder)


def write(folder: Path, rows: int, trees: int) -> None:
    """In a process of its own: a child inherits the peak memory of whoever forks it."""
    command = ["--run", "prepare", "--folder", str(folder), "--rows", str(rows), "--trees", str(trees)]
    measure(python("ml_predict", *command), folder / "prepare.txt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--run", choices=("prepare", "bare", "sql"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run is None:
        report(given.rows, given.trees, given.repeats)
    elif given.run == "prepare":
        prepare(given.folder, given.rows, given.trees)
    else:
        print(f"{bare(given.folder) if given.run == 'bare' else through_sql(given.folder):.6g}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
