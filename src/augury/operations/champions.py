"""Who scores a date, as far as the ledger knows? Asked by status, models, promote, rollback and doctor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from augury.errors import StorageFailed
from augury.ledger.records import Decision, ModelRecord
from augury.operations.opened import Opened
from augury.plan.champion import Candidates, Champion, Choice, NoChampion
from augury.plan.ticks import Ticks
from augury.run.gather import model_file
from augury.spec.files import PipelineSpec

DECIDING = ("promote", "rollback")


@dataclass(frozen=True)
class Champions:
    """Everything that can decide for one pipeline version; a value, read once."""

    pipeline: PipelineSpec
    models: tuple[ModelRecord, ...]
    """Ascending by number."""
    decisions: tuple[Decision, ...]
    """promote and rollback, oldest first."""
    file: str = ""
    """What stands for the model file that the pipeline brings, where it brings one."""

    def choose(self, day: date) -> Choice:
        """What the next run of `day` would find: its champion, the tick that it trains first, or nobody."""
        if self.pipeline.settings.model is None:
            return NoChampion("this pipeline is SQL alone")
        return self._of_file(self._candidates.choose(day))

    def known(self, day: date) -> Champion | None:
        """The champion of `day` among the models that exist; ticks that are not trained yet are passed over."""
        if self.pipeline.settings.model is None:
            return None
        candidates = self._candidates
        passed_over = {tick: _untrained(tick) for tick in candidates.ticks.until(day)}
        known = replace(candidates, by_tick={**passed_over, **candidates.by_tick})
        choice = self._of_file(known.choose(day))
        return choice if isinstance(choice, Champion) else None

    def without(self, numbers: Iterable[int]) -> Champions:
        """As if these models had never been trained, nor decided for."""
        gone = frozenset(numbers)
        return replace(
            self,
            models=tuple(model for model in self.models if model.number not in gone),
            decisions=tuple(made for made in self.decisions if int(made.subject) not in gone),
        )

    @property
    def _candidates(self) -> Candidates:
        extra = frozenset() if self.file else frozenset(model.tick for model in self.models)
        return Candidates.of(Ticks(self.pipeline, extra), self.models, self.decisions)

    def _of_file(self, choice: Choice) -> Choice:
        """A model file decides, unless somebody promoted another one."""
        if not self.file or (isinstance(choice, Champion) and not choice.rule.startswith("tick")):
            return choice
        found = [model for model in self.models if model.fingerprint == self.file]
        return Champion(found[-1], "file") if found else NoChampion("no run has registered the model file yet")


def champions_of(opened: Opened, pipeline: PipelineSpec) -> Champions:
    """A model file that cannot be read counts as none: whoever runs is told."""
    try:
        file = model_file(pipeline)
    except StorageFailed:
        file = ""
    return Champions(
        pipeline,
        tuple(opened.ledger.models(pipeline.name, pipeline.version)),
        tuple(opened.ledger.decisions(pipeline.name, pipeline.version, actions=DECIDING)),
        file,
    )


def _untrained(tick: date) -> ModelRecord:
    """Stands for a tick without a model, so that the rules pass it over as they pass over a failed gate."""
    never = datetime.min.replace(tzinfo=UTC)
    return ModelRecord(
        pipeline="",
        version="",
        number=0,
        tick=tick,
        cutoff=never,
        trained_at=never,
        run_id="",
        type="",
        label="",
        passed=False,
        verdict="not trained",
        fingerprint="",
        folder="",
        sha256="",
        seed=0,
        rows=0,
        dates=0,
        snapshot="",
    )
