"""What does a project consist of once it is read? Frozen values that everything above works from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from augury.dates import Cutoffs, Grid
from augury.names import TableNames
from augury.spec.pipeline import PipelineSettings, StepSettings
from augury.spec.project import ProjectSettings, SourceSpec, TargetSpec
from augury.spec.settings import Var


@dataclass(frozen=True)
class SqlFile:
    path: str
    """Relative to the project, as people type it."""
    text: str


@dataclass(frozen=True)
class HookParameter:
    """A parameter of a hook and the relation that it asks for, read from the source without running it."""

    name: str
    relation: str
    """source, window, ref, history, outcome, reference, var, staging or published; or `rows`, `context`."""
    arguments: tuple[str | int, ...] = ()
    """Literal arguments: a name, and for history the number of days."""
    line: int = field(default=0, compare=False)
    """1-based, in the hook's file."""


@dataclass(frozen=True)
class Hook:
    function: str
    path: str
    """hooks.py, relative to the project."""
    line: int
    parameters: tuple[HookParameter, ...]


@dataclass(frozen=True)
class Step:
    """One step of a pipeline: SQL, a hook in its place, or a hook after the SQL."""

    name: str
    sql: SqlFile | None
    hook: Hook | None
    settings: StepSettings


@dataclass(frozen=True)
class Macros:
    files: tuple[SqlFile, ...] = ()
    """macros/*.sql: Jinja macros that every template may call."""


@dataclass(frozen=True)
class PipelineSpec:
    """One version of one pipeline, resolved against the project and the target."""

    name: str
    version: str
    settings: PipelineSettings
    folder: Path
    file: str
    """Its pipeline.yml, relative to the project."""
    steps: dict[str, Step]
    """Steps by name: the files and hooks of the folder, in alphabetical order."""
    event_hooks: dict[str, Hook]
    """Hooks called when something happened: on_completed, on_held, on_failed, on_trained."""
    hooks_text: str
    """Contents of hooks.py, empty where there is none."""
    tables: TableNames
    vars: dict[str, Var]
    """Variables after the cascade: project, target, pipeline, --vars."""
    zone: ZoneInfo
    """Zone of the schedule."""
    dialect: str = "duckdb"
    """In which its SQL is written."""
    model_path: Path | None = None
    """The model file of `model.path`, absolute; None where augury trains."""
    origins: dict[str, str] = field(default_factory=dict, repr=False)
    """Dotted key, such as `schedule.cron`, to where its value came from; absent keys are defaults."""

    @property
    def grid(self) -> Grid:
        at = self.settings
        return Grid(at.schedule.cron, self.zone, at.start, at.end)

    @property
    def cutoffs(self) -> Cutoffs:
        return Cutoffs(self.zone, self.settings.schedule.lag)

    def has(self, step: str) -> bool:
        return step in self.steps

    @property
    def in_sql(self) -> bool:
        """Its model is a statement of BigQuery ML."""
        return self.settings.model is not None and self.settings.model.in_sql


@dataclass(frozen=True)
class ProjectSpec:
    root: Path
    settings: ProjectSettings
    target_name: str
    target: TargetSpec
    namespace: str
    sources: dict[str, SourceSpec]
    """With the locations of the target in use."""
    references: dict[str, Path]
    """reference/*.csv by name."""
    macros: Macros
    pipelines: dict[str, dict[str, PipelineSpec]]
    """Pipeline name to version to spec; versions ascending."""
    names: tuple[str, ...] = ()
    """Of all pipelines, those that were not read included."""
    environment: str = ""
    """What SQL calls the environment."""
    production: str = ""
    """The dataset that no SQL of this environment may name; empty for none."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Values that came from the environment under a secret's name; masked wherever text leaves."""
    origins: dict[str, str] = field(default_factory=dict, repr=False)
    """Dotted key of augury.yml to where its value came from; absent keys are defaults."""

    @property
    def name(self) -> str:
        return self.settings.name
