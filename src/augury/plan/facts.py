"""What does the planner know about the world? Values that somebody else read; the planner opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from augury.ledger.records import DateRecord, Decision, ModelRecord, PartitionRecord


@dataclass(frozen=True)
class SourceFact:
    present: bool
    signature: str = ""
    sharded: bool = False
    shards: frozenset[date] = frozenset()
    """Days that have a shard."""
    typed: bool = True
    """False where it has no row and undeclared columns: no query over it can be bound."""


@dataclass(frozen=True)
class LateDay:
    """An event day whose rows changed after the first probe."""

    day: date
    probe: int
    """The probe that saw the change."""
    rows: int


@dataclass(frozen=True)
class OtherFacts:
    """What one version of another pipeline has built, as far as it is read."""

    partitions: Mapping[tuple[str, date], PartitionRecord] = field(default_factory=dict)
    """By table and run date."""
    dates: Mapping[date, DateRecord] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    now: datetime
    """UTC."""
    engine: str
    """`WarehouseFeatures.engine`."""
    current_version: str
    partitions: Mapping[tuple[str, date], PartitionRecord] = field(default_factory=dict)
    """By table and run date."""
    dates: Mapping[date, DateRecord] = field(default_factory=dict)
    models: tuple[ModelRecord, ...] = ()
    """Ascending by number."""
    model_file: str = ""
    """What stands for the model file that the pipeline brings and for how it is read, where it brings one."""
    decisions: tuple[Decision, ...] = ()
    """promote and rollback, oldest first."""
    sources: Mapping[str, SourceFact] = field(default_factory=dict)
    others: Mapping[tuple[str, str], OtherFacts] = field(default_factory=dict)
    """Pipelines that this one reads, by name and version."""
    late: Mapping[str, tuple[LateDay, ...]] = field(default_factory=dict)
    """By source."""
    probe: int = 0
    """The latest probe of any source."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Reference name to the SHA-256 of the file as it is now."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Step to the mean seconds that it took lately."""
    definitions: Mapping[str, str] = field(default_factory=dict)
    """Text behind recorded definition fingerprints, for saying which line changed."""
