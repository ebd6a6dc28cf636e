"""A small project on disk, written and read in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from augury.errors import SpecError
from augury.spec.files import PipelineSpec, ProjectSpec
from augury.spec.reader import read_project
from augury.spec.settings import Var

PROJECT = """\
name: shop
timezone: Europe/Madrid
sources:
  orders: {path: data/orders.csv, event_time: ordered_at}
"""
PIPELINE = """\
entity: customer_id
horizon: 90d
start: 1997-01-01
model:
  type: linear_reg
  label: revenue
"""
SQL = "select 1\n"
YML = "pipelines/ltv/pipeline.yml"


@dataclass(frozen=True)
class Shop:
    """A valid project; `write` changes it, `read` and `problems` say what augury makes of it."""

    root: Path

    def write(self, path: str, text: str | bytes) -> Shop:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return self

    def read(
        self,
        target: str | None = None,
        variables: Mapping[str, Var] | None = None,
        environment: Mapping[str, str] | None = None,
        only: str | None = None,
    ) -> ProjectSpec:
        return read_project(
            self.root, target=target, variables=variables or {}, environment=environment or {}, only=only
        )

    def pipeline(self, name: str = "ltv", version: str = "v1") -> PipelineSpec:
        return self.read().pipelines[name][version]

    def problems(self, environment: Mapping[str, str] | None = None, only: str | None = None) -> list[str]:
        """Every problem as it is shown; empty where the project can be used."""
        try:
            self.read(environment=environment, only=only)
        except SpecError as error:
            return [str(problem) for problem in error.problems]
        return []
