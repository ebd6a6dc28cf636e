"""What is a thing called, and how is a name written into SQL?

A name is checked once, when it enters; after that it is safe to paste in a path or a table name. Names that
come from data (columns of a source) are never checked, only quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""What pipelines, steps, sources, targets, variables and namespaces may be called."""

VERSION = re.compile(r"v[0-9]{1,6}")

ENGINE_STEPS = ("predict", "validate", "publish", "archive", "train")
"""Steps that augury performs itself; no SQL file may take these names."""

NAMED_STEPS = ("extract", "prepare", "filter", "label", "post_process", "validation", "training")
"""SQL files and hooks with a meaning; any other file in a pipeline's folder is an intermediate step."""

MODEL_STEPS = ("training", "train_model", "scoring", "predicting", "validation")
"""SQL files of a pipeline whose model is a statement of BigQuery ML."""


def is_name(text: str) -> bool:
    return NAME.fullmatch(text) is not None


def quote(name: str, dialect: str = "duckdb") -> str:
    """A name as a quoted identifier: in backticks for BigQuery, else in double quotes, as standard SQL has it.

    A NUL cannot stand in an identifier of any engine and raises ValueError.
    """
    if "\x00" in name:
        raise ValueError("a name cannot contain a NUL character")
    if dialect == "bigquery":
        # Inside backticks BigQuery reads the escapes of its string literals.
        return "`" + name.replace("\\", "\\\\").replace("`", "\\`").replace("\n", "\\n") + "`"
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class TableNames:
    """The tables of one version of one pipeline. Every name carries deployment, pipeline and version."""

    pipeline: str
    version: str
    deployment: str = ""
    """Prefix that keeps two deployments in one namespace apart; empty for none."""
    batchml: bool = False
    """The names that BatchML gives: its projects, and what reads their tables, go on using them."""

    @property
    def stem(self) -> str:
        return f"{self.deployment}_{self.pipeline}" if self.deployment else self.pipeline

    def step(self, name: str, *, training: bool = False) -> str:
        """The table of a step. `training` names the copy that holds training dates where they differ."""
        kind = f"train_{name}" if training else name
        return f"{self.stem}_{self.version}_{kind}"

    @property
    def staging(self) -> str:
        """Candidates, rejected ones included."""
        return f"{self.stem}_{self.version}_{self._word}_staging"

    @property
    def predictions(self) -> str:
        """What this version published."""
        return f"{self.stem}_{self.version}_{self._published}"

    @property
    def version_view(self) -> str:
        """View over what this version published, where the table itself has another name; else empty."""
        return f"{self.stem}_{self.version}_preds" if self.batchml else ""

    @property
    def model(self) -> str:
        """What SQL calls the model of this version."""
        return f"{self.stem}_{self.version}_model"

    @property
    def _word(self) -> str:
        return "preds" if self.batchml else "predictions"

    @property
    def _published(self) -> str:
        return "preds_prod" if self.batchml else "predictions"

    def version_of(self, table: str) -> str | None:
        """The version of this pipeline that published into `table`; None for any other table."""
        found = re.fullmatch(f"{re.escape(self.stem)}_({VERSION.pattern})_{self._published}", table)
        return found[1] if found else None

    @property
    def current_predictions(self) -> str:
        """View over the predictions of the current version: what consumers read."""
        return f"{self.stem}_{self._word}"

    @property
    def current_staging(self) -> str:
        """View over the candidates of the current version."""
        return f"{self.stem}_{self._word}_staging"

    @property
    def archive(self) -> str:
        """What every current version published, one table for all versions."""
        return f"{self.stem}_archive"
