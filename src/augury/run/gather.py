"""What does the world look like before a plan is made? Reads the ledger, the sources' metadata and the references."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from augury import plugins
from augury.errors import AuguryError, Place, StorageFailed
from augury.ledger.records import PartitionRecord
from augury.ledger.store import Ledger
from augury.plan.facts import Facts, LateDay, OtherFacts, SourceFact
from augury.spec.files import PipelineSpec, ProjectSpec
from augury.spec.project import SourceSpec
from augury.sql.fingerprint import combine
from augury.sql.relations import Outcome, Relation, Source, Window
from augury.warehouses.contract import SourceState, Warehouse


@dataclass(frozen=True)
class World:
    facts: Facts
    states: Mapping[str, SourceState]
    """Sources that exist, as they are now."""


def sources_read(reads: Iterable[Relation]) -> tuple[str, ...]:
    """The sources that a pipeline reads, sorted."""
    return tuple(sorted({read.name for read in reads if isinstance(read, Source | Window | Outcome)}))


def gather(
    spec: ProjectSpec,
    pipeline: PipelineSpec,
    warehouse: Warehouse,
    ledger: Ledger,
    *,
    sources: Iterable[str],
    now: datetime,
    current_version: str,
    probe_changed: bool,
    others: Mapping[tuple[str, str], OtherFacts] | None = None,
) -> World:
    """The facts of one pipeline version; `others` are those of the pipelines that it reads.

    With `probe_changed` sources that changed are looked into for late data, without recording it: a plan shows what
    a run would find. Raises DataRefused where a source lost a declared column, StorageFailed where it is unreadable.
    """
    states: dict[str, SourceState] = {}
    known: dict[str, SourceFact] = {}
    late: dict[str, tuple[LateDay, ...]] = {}
    probe = ledger.latest_probe_number()
    for name in sources:
        source = spec.sources[name]
        state = _state(warehouse, name, source)
        if state is None:
            known[name] = SourceFact(present=False)
            continue
        states[name] = state
        known[name] = SourceFact(True, state.signature, source.sharded, frozenset(state.shards), state.typed)
        last = ledger.latest_probe(name)
        late[name] = tuple(LateDay(day.day, day.changed_in, day.rows) for day in ledger.late_days(name))
        if probe_changed and state.typed and last is not None and last.signature != state.signature:
            zone = source.timezone or spec.settings.timezone
            late[name] += _fresh(warehouse, ledger, name, spec, state, zone, probe + 1)
    partitions = ledger.partitions(pipeline.name, pipeline.version)
    models = tuple(ledger.models(pipeline.name, pipeline.version))
    facts = Facts(
        now=now,
        engine=warehouse.features.engine,
        current_version=current_version,
        partitions=partitions,
        dates=ledger.date_records(pipeline.name, pipeline.version),
        models=models,
        model_file=model_file(pipeline),
        decisions=tuple(ledger.decisions(pipeline.name, pipeline.version, actions=("promote", "rollback"))),
        sources=known,
        others=others or {},
        late=late,
        probe=probe,
        references={name: sha256_of(path) for name, path in spec.references.items()},
        seconds=ledger.step_seconds(pipeline.name, pipeline.version),
        definitions=_texts(ledger, partitions.values()),
    )
    return World(facts, states)


def _state(warehouse: Warehouse, name: str, source: SourceSpec) -> SourceState | None:
    try:
        return warehouse.source_state(source)
    except AuguryError as error:
        raise error.at(Place(step=f"source {name}")) from error


def _fresh(
    warehouse: Warehouse,
    ledger: Ledger,
    name: str,
    spec: ProjectSpec,
    state: SourceState,
    zone: str,
    number: int,
) -> tuple[LateDay, ...]:
    """Days that differ from the last probe, under the number that the next one will have."""
    before = {day.day: (day.rows, day.digest) for day in ledger.source_days(name)}
    found = {day.day: (day.rows, day.digest) for day in warehouse.probe(spec.sources[name], state, zone)}
    days = [day for day, value in found.items() if before.get(day) != value]
    days += [day for day in before if day not in found and before[day][0]]
    return tuple(LateDay(day, number, found.get(day, (0, ""))[0]) for day in sorted(days))


def record_probes(
    spec: ProjectSpec, warehouse: Warehouse, ledger: Ledger, *, sources: Iterable[str], now: datetime
) -> None:
    """Probe the sources that changed since they were probed last, so that late data has a number."""
    for name in sources:
        source = spec.sources[name]
        state, last = _state(warehouse, name, source), ledger.latest_probe(name)
        if state is None or not state.typed or (last is not None and last.signature == state.signature):
            continue
        days = warehouse.probe(source, state, source.timezone or spec.settings.timezone)
        ledger.record_probe(name, state.signature, now, [(day.day, day.rows, day.digest) for day in days])


def model_file(pipeline: PipelineSpec) -> str:
    """What stands for the model that the pipeline brings: its file and how it is read; empty where it trains its own.

    Raises StorageFailed where the file cannot be read.
    """
    model = pipeline.settings.model
    if model is None or model.in_sql or plugins.load("models", model.type).trains:
        return ""
    assert model.path is not None
    read = {"type": model.type, "label": model.label, "features": model.features, "options": model.options}
    seed = model.train.seed  # draws its golden rows
    return combine("file", sha256_of(pipeline.folder / model.path), json.dumps(read, sort_keys=True), seed)


def sha256_of(path: Path) -> str:
    """Raises StorageFailed where the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageFailed(f"{path} cannot be read", why=str(error)) from error


def _texts(ledger: Ledger, partitions: Iterable[PartitionRecord]) -> dict[str, str]:
    found = ledger.definitions({record.definition for record in partitions if record.definition})
    return {fingerprint: definition.text for fingerprint, definition in found.items()}
