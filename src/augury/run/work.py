"""What does every task of one run share?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from augury.events import Event, Noticed
from augury.fences import Fence
from augury.hooks import Operation
from augury.ledger.records import ModelRecord, Status
from augury.ledger.store import Ledger
from augury.models.contract import FittedModel
from augury.plan.definitions import Definitions
from augury.plan.facts import Facts
from augury.plan.graph import StepGraph
from augury.plan.steps import Plan
from augury.plan.ticks import Ticks
from augury.run.locking import Held, Locks, date_lock, training_lock
from augury.run.relations import Resolver
from augury.spec.files import PipelineSpec
from augury.sql.engine_sql import EngineSql
from augury.warehouses.contract import Billed, SourceState, Warehouse


@dataclass(frozen=True)
class Work:
    """One run: its plan, and the hands that perform it. Shared by threads; what changes is guarded inside."""

    run_id: str
    plan: Plan
    definitions: Definitions
    graph: StepGraph
    ticks: Ticks
    facts: Facts
    warehouse: Warehouse
    ledger: Ledger
    locks: Locks
    models: Path
    """Folder of model artifacts."""
    references: Path
    """Folder of reference data by SHA-256."""
    clock: Callable[[], datetime]
    tell: Callable[[Event], None]
    """Gives an event to every listener; never raises."""
    who: str
    host: str
    threads: int
    """Threads that one task may use."""
    wait: bool
    """Wait for locked dates instead of leaving them to their owner."""
    states: Mapping[str, SourceState] = field(default_factory=dict)
    """Sources that exist, as they were when the run began."""
    ended: dict[date, Status] = field(default_factory=dict)
    """Dates that ended early for want of rows."""
    mask: Callable[[str], str] = str
    """Keeps secrets out of what the ledger remembers: an engine or a hook may put a value into its message."""
    definitions_kept: set[str] = field(default_factory=set)
    """Fingerprints of the definitions whose text the ledger has from this run."""
    suspends: bool = False
    """A task that waits for an operation outside is given back, instead of holding its thread."""
    operations: dict[tuple[date, str], Operation] = field(default_factory=dict)
    """What steps waited for and may go on with, by day and step."""
    fitted: dict[int, FittedModel] = field(default_factory=dict)
    """Models that were loaded, by number."""

    lock: Held | None = None
    """What it writes, it writes under this lock: of the task or, outside of tasks, of the run. None in the service."""

    @property
    def pipeline(self) -> PipelineSpec:
        return self.definitions.pipeline

    @property
    def sql(self) -> EngineSql:
        """For the SQL that augury writes itself."""
        return EngineSql(self.warehouse.features.dialect)

    def labels(self, step: str) -> dict[str, str]:
        """What is put on the jobs and tables of a step, where the engine has labels."""
        pipeline, settings = self.pipeline, self.pipeline.settings
        own = {"pipeline": pipeline.name, "version": pipeline.version, "step": step, "run": self.run_id}
        owner = {"owner": settings.owner} if settings.owner else {}
        return {**settings.labels, **owner, **own}

    def charging(self, step: str) -> AbstractContextManager[None]:
        """Around the queries of a step: in a warehouse that bills they carry its labels and the pipeline's limit."""
        if not isinstance(self.warehouse, Billed):
            return nullcontext()
        return self.warehouse.charging(self.labels(step), self.pipeline.settings.limits.bytes_billed)

    def resolver(self, day: date, *, training: bool = False, references: Mapping[str, str] | None = None) -> Resolver:
        """The relations of one date; `references` are the versions of the model in use, the newest by default."""
        return Resolver(
            self.definitions,
            self.graph,
            self.ticks,
            self.warehouse,
            self.states,
            self.references,
            self.facts.references if references is None else references,
            day,
            training,
        )

    def references_of(self, model: ModelRecord | None) -> Mapping[str, str]:
        """The reference versions that a model learned with; as they are now where it knew none of that name."""
        return {**self.facts.references, **(model.references if model else {})}

    def notice(self, message: str, *, day: date | None = None, step: str | None = None) -> None:
        self.tell(Noticed(self.run_id, self.pipeline.name, message, day, step))

    def lock_name(self, day: date) -> str:
        return date_lock(self.pipeline, day)

    def training_lock_name(self, tick: date) -> str:
        return training_lock(self.pipeline, tick)

    @contextmanager
    def under(self, lock: Held) -> Iterator[Work]:
        """The same hands, at work on what the lock is for. Whatever goes wrong once it is lost raises Fenced: how that
        ended is the new owner's to tell."""
        work = replace(self, lock=lock)
        try:
            yield work
        except Exception:
            work.fence()
            raise

    def fence(self) -> Fence | None:
        """What a write carries now. Raises Fenced where the lock is lost."""
        return self.lock.fence() if self.lock is not None else None
