"""What may be said about schedules, throttles and the service that keeps them? Commands in the foreground ignore it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from augury.spec.settings import Cron, Seconds, Settings

DEFAULT = "default"
"""The throttle of whatever has none of its own, and where the others start from."""
TRAIN = "train"
"""The throttle of trainings."""

Catchup = Literal["latest", "all", "none"]

_PERIODS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0}
_RATE = re.compile(rf"(\d{{1,9}})\s*/\s*({'|'.join(_PERIODS)})")


@dataclass(frozen=True)
class Rate:
    """At most so many in any window of so long."""

    most: int
    per: str
    """s, min, h or day; a day is 24 hours."""

    @property
    def seconds(self) -> float:
        return _PERIODS[self.per]

    def __str__(self) -> str:
        return f"{self.most}/{self.per}"


def _rate(value: Any) -> Any:
    found = _RATE.fullmatch(str(value).strip())
    if not found:
        raise ValueError(f"{value!r} is not a rate: write 1/s, 10/min, 100/h or 500/day")
    if int(found[1]) < 1:
        raise ValueError(f"{value!r} lets nothing happen: a rate is at least 1")
    return Rate(int(found[1]), found[2])


RateLimit = Annotated[
    Rate,
    BeforeValidator(_rate),
    PlainSerializer(str, return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\s*/\s*(s|min|h|day)$"}),
]
"""So many in a period, written `10/min`."""


class Throttle(Settings):
    """How fast the service lets tasks go that are about one step. Keys that are not there come from `default`."""

    max_concurrent: int | None = Field(default=None, ge=1)
    """Tasks that are out at a time: given to a worker, or waiting for an operation outside. No limit by default."""
    rate: RateLimit | None = None
    """Tasks that are let go in any such period, wherever it begins. No limit by default."""
    delay: Seconds = 0.0
    """How long a task waits at least, from when nothing that it needs is missing."""
    poll: Annotated[Seconds, Field(gt=0)] | None = None
    """How often the waiting tasks are looked at; whenever something happens by default."""
    max_tasks_per_poll: int | None = Field(default=None, ge=1)
    """Tasks that are let go at one look; up to ten times as many are looked at. No limit by default."""
    expires: Annotated[Seconds, Field(gt=0)] | None = None
    """A task that waited this long becomes a dead letter. Never by default."""
    retries: int = Field(default=0, ge=0)
    """How often a task that failed is tried again."""
    backoff: Seconds = 30.0
    """How long after the first failure; twice as long after each further one, an hour at most."""


def throttle_of(throttles: Mapping[str, Throttle], step: str) -> Throttle:
    """The throttle of a step: its own entry laid over `default`."""
    below = throttles.get(DEFAULT, Throttle())
    own = throttles.get(step)
    return below if own is None or step == DEFAULT else _laid_over(below, own)


def throttle_of_task(project: Mapping[str, Throttle], pipeline: Mapping[str, Throttle], step: str) -> Throttle:
    """What counts for a task itself (delay, expires, retries, backoff): the pipeline's word, then the project's."""
    return _laid_over(throttle_of(project, step), throttle_of(pipeline, step))


def _laid_over(below: Throttle, above: Throttle) -> Throttle:
    return below.model_copy(update={key: getattr(above, key) for key in above.model_fields_set})


class Archive(Settings):
    """When a copy is kept of what the current version published."""

    schedule: Cron | None = None
    """In the service: a run of its own at these times, once per published date. None: when a date is published."""


def _archive(value: Any) -> Any:
    if isinstance(value, bool):
        return {} if value else None
    if not isinstance(value, dict | Archive):
        raise ValueError(f'{value!r} is not true, false or a schedule: write {{schedule: "0 16 * * *"}}')
    return value


def _as_written(archive: Archive | None) -> bool | dict[str, str]:
    if archive is None or archive.schedule is None:
        return archive is not None
    return {"schedule": archive.schedule}


Archiving = Annotated[
    Archive | None,
    BeforeValidator(_archive, json_schema_input_type=bool | Archive),
    PlainSerializer(_as_written, when_used="json"),
]
"""`true`, `false`, or a schedule; None stands for false."""


LOOPBACK = "127.0.0.1"
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})")


def _metrics(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{LOOPBACK}:{value}"
    found = _ADDRESS.fullmatch(str(value))
    if not found or int(found["port"]) > 65535:
        raise ValueError(
            f"{value!r} is not an address: write a port such as 9469, for this machine alone, or host:port"
        )
    return str(value)


MetricsAddress = Annotated[
    str,
    BeforeValidator(_metrics),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 65535}, {"type": "string", "pattern": r":\d+$"}]}
    ),
]
"""`host:port`; a port alone is one of this machine that others do not reach."""


class Service(Settings):
    """How the service works: `augury up` and `augury worker`."""

    poll: Annotated[Seconds, Field(gt=0)] = 1.0
    """How often it looks what is to be done, at the latest."""
    lease: Annotated[Seconds, Field(ge=1)] = 30.0
    """A worker or owner that was silent for this long counts as dead, and others go on with its work."""
    concurrency: int | None = Field(default=None, ge=1)
    """Tasks that one worker performs at a time; as many as the warehouse builds dates side by side by default."""
    max_starts: int = Field(default=3, ge=1)
    """A task whose worker died this often is poison: it becomes a dead letter."""
    metrics: MetricsAddress | None = None
    """Where Prometheus reads metrics: `9469` for this machine alone, or `host:port`. Not at all by default."""


def _ledger(value: str) -> str:
    # The value itself is left out of the message: it holds a password.
    wrong = "is not the address of a ledger: write postgresql://host/database, with user:password@ before the host"
    if "${" in value:
        return value  # its variable is not set, which the target in use cannot do without
    try:
        address = urlsplit(value)
        address.port  # noqa: B018  it is read on demand, and raises then
    except ValueError as error:
        raise ValueError(wrong) from error
    if address.scheme not in ("postgresql", "postgres") or not address.path.strip("/"):
        raise ValueError(wrong)
    return value


LedgerAddress = Annotated[
    str,
    AfterValidator(_ledger),
    WithJsonSchema({"type": "string", "pattern": r"^postgres(ql)?://"}),
]
"""Where a shared ledger lies."""
