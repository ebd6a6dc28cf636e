"""What may pipeline.yml say?"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from augury.spec.columns import Columns
from augury.spec.service import Archive, Archiving, Catchup, Throttle
from augury.spec.settings import Bytes, Cron, Day, Dialect, Entity, Name, Period, Seconds, Settings, Var, Zone


class Schedule(Settings):
    """When a prediction is due, and how far its knowledge trails the date."""

    cron: Cron = "0 0 * * *"
    """Its days are the run dates."""
    timezone: Zone | None = None
    """The project's by default."""
    lag: Period = 0
    """Days between a run date and the end of its knowledge."""
    catchup: Catchup = "latest"
    """In the service: of the dates whose time passed unserved, `latest` runs the newest, `all` every one in order,
    `none` none."""
    paused: bool = False
    """In the service: nothing of this pipeline is due, neither dates nor trainings nor the archive."""
    poll: Cron | None = None
    """In the service: from its time on, a date waits for its sources, and is run at the first of these times at which
    they are there. None: it is run at its time, whatever is there."""
    notify_after: Annotated[Seconds, Field(gt=0)] = 7200.0
    """In the service: a date that is not published so long after its time is overdue."""


class Train(Settings):
    """When a model is trained and from which dates."""

    schedule: Cron | None = None
    """Its days are the training ticks. None: only `augury train` makes a tick."""
    start: Day | None = None
    """First scheduled tick; the first that has training dates by default."""
    catchup: Catchup = "latest"
    """In the service: of the ticks that passed unserved, `latest` trains the newest, `all` every one in order, `none`
    none."""
    every: Annotated[Period, Field(ge=1)] = 7
    """Distance of the training dates, counted from `start`."""
    window: Annotated[Period, Field(ge=1)] = 180
    """Days of training dates, ending at the last one whose label is closed."""
    grace: Period = 0
    """A model scores from its tick plus this on; the first model scores at once."""
    seed: int = 0
    """The same training set, options and seed give the same model."""
    folds: int = Field(default=4, ge=1, le=50)
    """Time-ordered folds over which metrics get their mean and spread."""
    max_rows: int | None = Field(default=None, ge=2)
    """A budget: learn from at most this many rows, a sample that is the same every time."""
    population: Literal["filter", "all"] = "filter"
    """`filter`: train on those who pass filter.sql, as scoring does; `all`: on everyone in prepare."""
    label_delay: Period = 0
    """Days that late outcomes may take to become known."""


THRESHOLD = re.compile(r"(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")


def _threshold(value: Any) -> Any:
    if not isinstance(value, str) or not THRESHOLD.fullmatch(value.strip()):
        raise ValueError(f'{value!r} is not a threshold: write "<= 40" or ">= 0.7"')
    return value


Threshold = Annotated[
    str, BeforeValidator(_threshold), WithJsonSchema({"type": "string", "pattern": r"^\s*(<=|>=|<|>)\s*-?\d"})
]
"""A comparison with a number, written `<= 40`."""


class Gate(Settings):
    """What a candidate must reach. Every other key is a metric with a threshold such as `<= 40`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    beats: Literal["champion"] | None = None
    """`champion`: be no worse than the newest earlier model that passed, on the candidate's hold-out."""
    __pydantic_extra__: dict[str, Threshold]

    @property
    def thresholds(self) -> dict[str, tuple[Literal["<=", ">=", "<", ">"], float]]:
        """Metric name to (comparison, limit), in the order of the file."""
        out: dict[str, Any] = {}
        for metric, text in (self.model_extra or {}).items():
            found = THRESHOLD.fullmatch(text.strip())
            assert found is not None
            out[metric] = (found[1], float(found[2]))
        return out


IN_SQL = "bigquery_ml"
"""The type of a model that is a statement in SQL."""


class Model(Settings):
    type: str
    """A model kind: `linear_reg`, `boosted_tree_regressor`, ...; a file: `lightgbm`, `xgboost`; or `bigquery_ml`: what
    train_model.sql creates."""
    label: str = "label"
    """Column of label.sql. Predictions are called `predicted_<label>`."""
    missing_label: Literal["zero", "drop"] | None = None
    """An entity of prepare without a row in label.sql; without this key it is an error."""
    features: list[str] | None = None
    """Columns of prepare to learn from; all but the entity by default. Required for a model file."""
    exclude: list[str] = Field(default_factory=list)
    """Columns of prepare that are never features."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the kind, BigQuery ML's names in lower case."""
    path: str | None = None
    """A model file that exists already, relative to the pipeline's folder."""
    train: Train = Train()
    """When a model is trained and from which dates."""
    gate: Gate = Gate()
    """What a candidate must reach before it scores anything."""

    @property
    def in_sql(self) -> bool:
        """Statements of BigQuery ML train it and ask it: train_model.sql and predicting.sql."""
        return self.type == IN_SQL


class StepSettings(Settings):
    """What is declared about the result of one step."""

    description: str = ""
    """What the rows are; kept with the table."""
    columns: Columns = Field(default_factory=dict)
    """Declared columns are enforced (type, REQUIRED); the others are inferred."""
    unique: list[str] | None = None
    """Columns whose combination is unique; the entity for prepare, filter, label and post_process."""
    duplicates: Literal["error", "drop"] = "error"
    """`drop` keeps one row per key and counts the others."""


class StepLimits(Settings):
    """Checked when the step is over: a date whose step took more is refused."""

    time: Seconds | None = None
    """Wall time of the step."""
    memory: Bytes | None = None
    """Peak memory of the process while the step runs, steps of other dates beside it included."""


class Limits(Settings):
    """Measured over the process; checked before anything is published."""

    time: Seconds | None = None
    """Wall time of one run date."""
    memory: Bytes | None = None
    """Peak memory of the process."""
    bytes_billed: Bytes | None = None
    """For warehouses that bill; DuckDB bills nothing."""
    steps: dict[Name, StepLimits] = Field(default_factory=dict)
    """Limits of single steps, by step; `train` for trainings."""


class PipelineSettings(Settings):
    """pipeline.yml."""

    description: str = ""
    """What is predicted, for whom, how far ahead."""
    owner: str = ""
    """Who answers for it: a person, a team, an address."""
    url: str = ""
    """Where more is written about it."""
    note: str = ""
    """Anything that its readers should know."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Free words, e.g. a team or a cost centre."""
    dialect: Dialect | None = None
    """In which the SQL of this pipeline is written; the project's by default."""
    entity: Entity
    """Column or columns that identify what a prediction is about."""
    horizon: Annotated[Period, Field(ge=1)] | None = None
    """How far ahead the label looks. Required where there is a label."""
    start: Day
    """First run date; history before it is empty."""
    end: Day | None = None
    """Excluded: no ticks, plans or due dates from here on."""
    schedule: Schedule = Schedule()
    """When a prediction is due, and how far its knowledge trails the date."""
    model: Model | None = None
    """None: a pipeline of SQL alone; what the last SQL step returns is published."""
    steps: dict[Name, StepSettings] = Field(default_factory=dict)
    """What is declared about the results of steps, by step."""
    limits: Limits = Limits()
    """Refused before anything is published."""
    archive: Archiving = Field(default=Archive(), json_schema_extra={"default": True})
    """Keep a copy of what the current version published; true by default."""
    throttle: dict[Name, Throttle] = Field(default_factory=dict)
    """How fast the service lets tasks go, by step; `train` for trainings, `default` for all others."""
    vars: dict[Name, Var] = Field(default_factory=dict)
    """Variables of this pipeline, `{{ var('x') }}` in SQL; above those of the target, below --vars."""

    @property
    def entities(self) -> tuple[str, ...]:
        return (self.entity,) if isinstance(self.entity, str) else tuple(self.entity)
