"""Readers who look all the time while versions are published and switched: what do they see?"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.crowded import crowded
from tests.cli_runner import called, ended, started, worked
from tests.projects import Shop
from tests.tiny import NAMESPACE, VISITS

TEN = ("--start", "2024-01-15", "--end", "2024-01-25")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = crowded(tmp_path / "shop")
    worked(called("backfill", "visits", *TEN, folder=shop.root))
    return shop


class Reader:
    """Somebody who looks at everything, all the time, and writes down what was ever wrong."""

    LOOK = (
        "select count(distinct version) as versions, count(distinct run_date) as dates, "
        "count(*) as n, "
        "(select count(*) from (select run_date from visits_predictions group by run_date "
        "having count(distinct run_id) <> 1 or count(distinct factor) <> 1 or count(*) <> 11)) as mixed "
        "from visits_predictions"
    )

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.looks = 0
        self.seen: set[tuple[Any, ...]] = set()
        self.wrong: list[object] = []
        self._done = threading.Event()
        self._glob = threading.Thread(target=self._read_fixed_names)

    def __enter__(self) -> Reader:
        self._glob.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._glob.join()

    def look(self) -> None:
        """One look, through the view that consumers know."""
        answer = called("query", self.LOOK, "--output", "csv", folder=self.shop.root)
        self.looks += 1
        if answer.code:
            self.wrong.append(answer.said)
            return
        versions, dates, total, mixed = map(int, answer.out.splitlines()[1].split(","))
        self.seen.add((versions, dates, total, mixed))

    def _read_fixed_names(self) -> None:
        """As pandas, Polars and Spark read: the files under their fixed names, while they are replaced."""
        import pyarrow.parquet as pq

        while not self._done.wait(0.02):
            for path in (self.shop.root / NAMESPACE / "_latest/visits_v1_predictions").glob("*.parquet"):
                try:
                    table = pq.read_table(path)
                except Exception as error:  # noqa: BLE001  any error would be the finding
                    self.wrong.append(f"{path}: {error!r}")
                    continue
                if table.num_rows != 11 or len(set(table["run_id"].to_pylist())) != 1:
                    self.wrong.append(f"{path}: {table.num_rows} rows")


def writers(shop: Shop, *commands: tuple[str, ...]) -> Iterator[list[subprocess.Popen[str]]]:
    """The processes, for as long as one of them works."""
    processes = [started(*words, folder=shop.root) for words in commands]
    while any(process.poll() is None for process in processes):
        yield processes
    answers = [ended(process) for process in processes]
    assert {answer.code for answer in answers} <= {0, 5}, [answer.said for answer in answers]


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_new_version_and_its_switch_under_a_reader(shop: Shop, rounds: int) -> None:
    """While v2 is published, and consumers are moved to it and back, they see all of v1 or all of v2."""
    for path in [path for path in (shop.root / VISITS).iterdir() if path.is_file()]:
        shop.write(f"{VISITS}/v2/{path.name}", path.read_text("utf-8"))
    eight = ("--start", "2024-01-15", "--end", "2024-01-23")
    worked(called("backfill", "visits", *eight, "--version", "v2", folder=shop.root))
    with Reader(shop) as reader:
        for number in range(rounds):
            factor = ("--reprocess", "all", "--vars", f"factor={100 + number}", "--version", "v2")
            for at, _ in enumerate(writers(shop, ("backfill", "visits", *eight, *factor))):
                worked(called("set-version", "visits", ("v1", "v2")[at % 2], folder=shop.root))
                reader.look()
    assert not reader.wrong
    assert reader.seen <= {(1, 10, 110, 0), (1, 8, 88, 0)}
    assert len(reader.seen) == 2 or reader.looks < 4
