"""What may augury.yml say?"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from augury.spec.bigquery import BigQueryTarget
from augury.spec.columns import Columns
from augury.spec.notifiers import Notifier
from augury.spec.service import LedgerAddress, Service, Throttle
from augury.spec.settings import Bytes, Dialect, Name, Period, Settings, Var, Zone


class LateData(Settings):
    """What to do when rows of days that were already used arrive or change."""

    rebuild: Period
    """Run dates up to this many days after the changed event day are rebuilt by themselves."""


class SourceLocation(Settings):
    """Where a source lies. A target may give another location for the same source."""

    path: str | None = None
    """File or glob (CSV, Parquet), relative to the project. `{date}` in it: one file a day, `YYYYMMDD`."""
    database: str | None = None
    """An existing .duckdb file, opened read-only."""
    table: str | None = None
    """Table inside `database`, optionally with its schema; without `database` a table that the warehouse itself has,
    such as `project.dataset.table` of BigQuery. `{date}` in it means one table a day."""

    @model_validator(mode="after")
    def _one_place(self) -> SourceLocation:
        if self.path is not None and (self.database or self.table):
            raise ValueError("a source has either `path` (CSV, Parquet) or a `table`")
        if self.path is None and self.table is None:
            raise ValueError("a source has either `path` (CSV, Parquet) or a `table`, of a `database` or the warehouse")
        return self

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return self.path or self.database or self.table or ""


class SourceSpec(SourceLocation):
    description: str = ""
    """What a row is."""
    snapshot: bool = False
    """Its rows have no time: every date reads them as they are when it runs, so that nothing here is point-in-time."""
    event_time: str | None = None
    """Column that says when a row happened. Required unless the source is dated by `{date}`."""
    known_at: str | None = None
    """Column that says when a row became known, where that is later than `event_time`."""
    timezone: Zone | None = None
    """Zone of naive times and of DATE columns; the project's by default."""
    columns: Columns = Field(default_factory=dict)
    """Columns that must be there with these types: drift is reported before anything is written."""
    late: LateData | None = None
    """What to do about rows that arrive after their day was used."""

    @property
    def sharded(self) -> bool:
        return "{date}" in (self.path or self.table or "")

    @model_validator(mode="after")
    def _dated(self) -> SourceSpec:
        if self.snapshot and (self.event_time is not None or self.known_at is not None or self.sharded):
            raise ValueError("`snapshot` is for rows without a time: leave out `event_time`, `known_at` and {date}")
        if self.event_time is None and not self.sharded and not self.snapshot:
            raise ValueError("`event_time` is required: it is what makes the source point-in-time")
        return self


class TargetSpec(Settings):
    """An environment: where augury writes, and what differs from the other targets."""

    warehouse: str = "duckdb"
    """Where tables are kept: the name of an installed warehouse."""
    path: str = ".augury"
    """Folder of the warehouse, relative to the project."""
    namespace: Name | None = None
    """Folder below `path` that belongs to this target alone; the target's name by default."""
    bigquery: BigQueryTarget | None = None
    """Where the tables lie, for the warehouse `bigquery`."""
    output: str | None = None
    """Folder for published tables and the archive, where it is not `path`."""
    models: str | None = None
    """Folder for model artifacts, where it is not inside the namespace."""
    environment: Name | None = None
    """What SQL calls the environment, `{{ environment }}`: the target's name by default. In a BatchML project, `test`
    unless the target is called `prod`."""
    ledger: LedgerAddress | None = None
    """A PostgreSQL database, `postgresql://user:${PASSWORD}@host/database`, for workers on several machines; a SQLite
    file in the namespace by default."""
    retention: Period = 1
    """How long superseded files are kept for readers that still hold them."""
    memory: Bytes | None = None
    """Memory that the engine may use."""
    threads: int | None = Field(default=None, ge=1)
    """Threads that the engine may use; all cores by default."""
    vars: dict[Name, Var] = Field(default_factory=dict)
    """Variables that differ here; above those of the project, below those of a pipeline."""
    sources: dict[Name, SourceLocation] = Field(default_factory=dict)
    """Other locations of the project's sources."""

    @model_validator(mode="after")
    def _of_its_warehouse(self) -> TargetSpec:
        if self.warehouse == "bigquery" and self.bigquery is None:
            raise ValueError("`bigquery` is required: {project: my-project, dataset: predictions, location: EU}")
        if self.bigquery is not None and self.warehouse != "bigquery":
            raise ValueError("`bigquery` is for targets with `warehouse: bigquery`")
        return self


class ProjectSettings(Settings):
    """augury.yml."""

    name: Name
    """What the project is called."""
    timezone: Zone = "UTC"
    """A run date is a day of this zone, unless a pipeline's schedule says otherwise."""
    deployment: Name | None = None
    """Prefix of every table. Each deployment has a namespace of its own."""
    description: str = ""
    """What the project is about."""
    dialect: Dialect = "duckdb"
    """In which the SQL of the project is written. For a target whose engine speaks another one it is translated."""
    vars: dict[Name, Var] = Field(default_factory=dict)
    """Variables of every pipeline, `{{ var('x') }}` in SQL; targets, pipelines and --vars override them."""
    sources: dict[Name, SourceSpec] = Field(default_factory=dict)
    """Data that exists already, by the name that SQL uses: `{{ source('orders') }}`."""
    batchml: str | None = None
    """A BatchML project's own batchml.yaml, relative to this file: its models are pipelines as they are."""
    targets: dict[Name, TargetSpec] = Field(default_factory=lambda: {"dev": TargetSpec()}, min_length=1)
    """Environments by name: where augury writes, and what differs there."""
    default_target: Name | None = None
    """The target used without --target: `dev` where it exists, else the first."""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Keys of pipeline.yml that every pipeline starts from."""
    throttle: dict[Name, Throttle] = Field(default_factory=dict)
    """How fast the service lets tasks of all pipelines together go, by step; `train`, `default` as in pipeline.yml."""
    notifiers: dict[Name, Notifier] = Field(default_factory=dict)
    """Whom the service tells of what failed, was held, expired or is overdue, by a name of your own."""
    service: Service = Service()
    """How the service works."""
