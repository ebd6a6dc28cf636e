"""A BatchML project in a folder of its own: the sample of examples/forks, and what typing commands in it answers."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.cli_runner import Answer, called, rows, worked

EXAMPLE = Path(__file__).parents[3] / "examples" / "forks"
DAY, NEXT = "2026-02-01", "2026-02-02"
DEV = "dev_data_science"


@dataclass(frozen=True)
class Forks:
    root: Path

    def type(self, *words: str) -> Answer:
        return called(*words, folder=self.root)

    def does(self, *words: str) -> Answer:
        return worked(self.type(*words))

    def rows(self, sql: str) -> list[dict[str, object]]:
        return rows(sql, self.root)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text("utf-8")
        assert old in text, f"{path} does not say {old!r}"
        file.write_text(text.replace(old, new), "utf-8")

    def published(self, table: str = "github_preds") -> list[tuple[str, str, int]]:
        """(date, version, rows)."""
        found = self.rows(f"select run_date as d, version as v, count(*) as n from {table} group by all order by all")
        return [(str(row["d"]), str(row["v"]), int(str(row["n"]))) for row in found]

    @property
    def sql(self) -> dict[str, str]:
        """SHA-256 of everything that BatchML wrote."""
        files = [self.root / "batchml.yaml", *sorted((self.root / "github").glob("*.sql"))]
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def batchml_only(folder: Path) -> Forks:
    """As BatchML's users have it: without augury.yml."""
    shutil.copytree(EXAMPLE / "github", folder / "github")
    shutil.copytree(EXAMPLE / "data", folder / "data")
    shutil.copy(EXAMPLE / "batchml.yaml", folder)
    return Forks(folder)


def forks(folder: Path) -> Forks:
    """With the augury.yml of the example."""
    made = batchml_only(folder)
    shutil.copy(EXAMPLE / "augury.yml", folder)
    return made
