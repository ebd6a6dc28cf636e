"""Is a partition there as wanted, and if not, why must it be built?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from augury.ledger.records import PartitionRecord, Status
from augury.plan.champion import Champion, Choice, NoChampion, Untrained
from augury.plan.definitions import Definitions
from augury.plan.fingerprints import Fingerprints, Key, Wanted, with_model
from augury.plan.graph import StepGraph
from augury.plan.reasons import changed_definition
from augury.plan.steps import Reason
from augury.plan.tails import base_of


class Comparison:
    """What the ledger knows of a partition, against what it should have been built from."""

    def __init__(
        self, definitions: Definitions, graph: StepGraph, prints: Fingerprints, champion: Callable[[date], Choice]
    ) -> None:
        """`champion` says who scores a date."""
        self._definitions = definitions
        self._graph = graph
        self._prints = prints
        self._champion = champion

    def reason(self, key: Key, *, force: bool) -> tuple[Reason, str] | None:
        """Why a partition must be built, with a detail; None where it is there as wanted. `force` builds it anyway."""
        wanted, record = self._prints.wanted(key), self._prints.record(key)
        if record is None or not record.status.complete or record.status is Status.SKIPPED_MISSING:
            return Reason.MISSING, ""
        final = self._final(key, wanted)
        if record.fingerprint == final and not force:
            return None
        if force and record.fingerprint == final:
            return Reason.REQUESTED, ""
        if final is not None and base_of(record.fingerprint) == base_of(final):
            return Reason.UPSTREAM, ", ".join(self._graph.others_behind(key.step))
        if wanted.generation > record.generation:
            return Reason.LATE, ", ".join(wanted.late[:3])
        if record.definition != wanted.definition:
            facts = self._prints.facts
            return Reason.DEFINITION, changed_definition(self._definitions, facts, key, record.definition)
        if key.step in self._graph.modelled:
            return self._modelled_reason(key, record)
        return Reason.UPSTREAM, ""

    def _final(self, key: Key, wanted: Wanted) -> str | None:
        """The whole fingerprint; None for a modelled step whose model is not known yet."""
        if key.step not in self._graph.modelled:
            return wanted.fingerprint
        choice = self._champion(key.day)
        if isinstance(choice, Champion):
            return with_model(wanted.fingerprint, choice.model)
        return None

    def _modelled_reason(self, key: Key, record: PartitionRecord) -> tuple[Reason, str]:
        choice = self._champion(key.day)
        if isinstance(choice, Champion):
            if choice.model.number != record.model_version:
                return Reason.MODEL, f"{record.model_version} -> {choice.model.number}: {choice.rule}"
            return Reason.UPSTREAM, ""
        if isinstance(choice, Untrained):
            return Reason.UPSTREAM, f"tick {choice.tick} is trained first"
        assert isinstance(choice, NoChampion)
        return Reason.MODEL, choice.why
