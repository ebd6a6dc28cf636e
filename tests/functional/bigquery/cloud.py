"""The examples on two targets: this machine, and BigQuery as the test server of `augury.testing.bigquery` speaks it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augury.testing.bigquery import BigQueryServer
from tests.cli_runner import Answer, called, worked

EXAMPLES = Path(__file__).parents[3] / "examples"
PROJECT = "my-project"


@dataclass(frozen=True)
class Cloud:
    root: Path
    server: BigQueryServer

    def type(self, target: str, *words: str) -> Answer:
        return called("--target", target, *words, folder=self.root)

    def does(self, target: str, *words: str) -> Answer:
        return worked(self.type(target, *words))

    def rows(self, target: str, sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.does(target, "query", sql, "--output", "json").document["rows"]
        return found

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text("utf-8")
        assert old in text, f"{path} does not say {old!r}"
        file.write_text(text.replace(old, new), "utf-8")


def address(server: BigQueryServer, more: str = "", dataset: str = "shop") -> str:
    """The value of `bigquery` in a target."""
    reached = f'endpoint: "{server.endpoint}", storage_endpoint: "{server.storage_endpoint}"'
    return f"{{project: {PROJECT}, dataset: {dataset}, location: EU, {reached}{more}}}"


def example(name: str, folder: Path, server: BigQueryServer, more: str = "", dataset: str = "shop") -> Cloud:
    """A copy of an example with a target `cloud` beside its own."""
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns(".augury"), dirs_exist_ok=True)
    target = f"  cloud: {{path: .cloud, warehouse: bigquery, bigquery: {address(server, more, dataset)}}}\n"
    made = Cloud(folder, server)
    text = (folder / "augury.yml").read_text("utf-8")
    at = text.index("\n", text.index("\ntargets:") + 1) + 1
    (folder / "augury.yml").write_text(text[:at] + target + text[at:], "utf-8")
    return made
