"""Does the benchmark still compare the same work? Tiny data, one repeat, no thresholds on time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def benchmark(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module", autouse=True)
def _data() -> None:
    made = benchmark("data", "--size", "smoke")
    assert made.returncode == 0, made.stderr


def by_hand(out: Path, *arguments: str) -> Path:
    done = benchmark("by_hand", "--size", "smoke", "--dates", "2", "--out", str(out), *arguments)
    assert done.returncode == 0, done.stderr
    return out / "predictions"


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the script publishes, date after date."""
    return by_hand(tmp_path_factory.mktemp("one"))


def test_augury_and_the_script_publish_the_same_rows_and_ratios_print(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    done = benchmark("run", "--smoke", "--json", "--record", str(history))
    assert done.returncode == 0, done.stderr
    cases = json.loads(done.stdout)["cases"]
    assert [case["name"] for case in cases] == [
        "one date, cold",
        "3 dates, day by day",
        "3 dates, default",
        "scoring alone, 3 dates",
        "augury --help",
        "augury ls",
        "plan of 30 dates",
    ]
    assert all(case["ratio"] > 0 and case["augury"]["memory"] > 0 for case in cases)
    (line,) = history.read_text().splitlines()
    assert json.loads(line)["cases"] == cases


def test_the_script_publishes_the_same_rows_with_dates_in_parallel(one: Path, tmp_path: Path) -> None:
    two = by_hand(tmp_path / "two", "--jobs", "2")
    compared = benchmark("compare", str(one), str(two))
    assert compared.returncode == 0, compared.stdout
    assert json.loads(compared.stdout)["rows"][0] > 50


def test_a_run_imports_neither_data_frames_nor_a_parser(tmp_path: Path) -> None:
    """Each takes more time than the date itself, and would do so on every command."""
    made = benchmark("project", "--size", "smoke", "--to", str(tmp_path / "project"))
    assert made.returncode == 0, made.stderr
    code = (
        "import sys\n"
        "from augury.cli.main import main\n"
        f"assert main(['--project-dir', {str(tmp_path / 'project')!r}, 'run', 'ltv', '--date', '2025-06-24']) == 0\n"
        "heavy = {'alembic', 'lightgbm', 'pandas', 'pyarrow.compute', 'sklearn', 'sqlglot'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_cent_of_difference_is_found(one: Path, tmp_path: Path) -> None:
    import duckdb

    other = tmp_path / "other" / "run_date=2025-06-24"
    other.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"""
            COPY (
              SELECT * EXCLUDE (added)
                REPLACE (CAST(predicted_revenue + added AS DECIMAL(12, 2)) AS predicted_revenue)
              FROM (
                SELECT *, CASE WHEN row_number() OVER () = 1 THEN 0.01 ELSE 0 END AS added
                FROM read_parquet('{one}/*/*.parquet', hive_partitioning = false)
              )
            ) TO '{other}/part-0.parquet' (FORMAT parquet)
        """)
    compared = benchmark("compare", str(one), str(tmp_path / "other"))
    assert compared.returncode == 1
    assert [problem.split(" in ")[0] for problem in json.loads(compared.stdout)["problems"]] == ["1 rows only"] * 2
