"""Which model version scores a date, now that the run is under way? Bound when the task runs, loaded once per run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import RLock

from augury import plugins
from augury.errors import Held, ModelFailed
from augury.ledger.records import ModelRecord
from augury.models.contract import FittedModel
from augury.plan.champion import Candidates, Champion, Choice, NoChampion, Untrained
from augury.run.work import Work

AUDIT = "audit.json"
"""In the folder of a model in SQL: what it says of itself."""
ANEW = (
    "Restore its files from a copy, or install the versions that its card records. "
    "To register the file again, as it predicts here, give model.train another `seed`."
)
"""What to do about a model file whose kept model cannot be used any more."""


@dataclass(frozen=True)
class Bound:
    record: ModelRecord
    rule: str


class NeedsTick(Held):
    """The rules lead to a tick that this plan did not train: an earlier one, after a failed gate."""

    def __init__(self, tick: date) -> None:
        super().__init__(f"tick {tick} decides and has no model yet")
        self.tick = tick


class Scorer:
    """The models of one run. Safe to use from several threads."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._lock = RLock()
        self._candidates: Candidates | None = None
        self._bound: dict[date, Bound] = {}

    def refresh(self) -> None:
        """A training finished: look at the ledger again."""
        with self._lock:
            self._candidates = None

    def choose(self, day: date) -> Choice:
        with self._lock:
            if self._candidates is None:
                pipeline = self._work.pipeline
                models = self._work.ledger.models(pipeline.name, pipeline.version)
                self._candidates = Candidates.of(self._work.ticks, models, self._work.facts.decisions)
            return self._candidates.choose(self._decides(day))

    def champion_before(self, tick: date) -> ModelRecord | None:
        self.choose(tick)
        with self._lock:
            return self._candidates.before(tick) if self._candidates else None

    def _decides(self, day: date) -> date:
        """The date whose champion scores `day`: its own, or today's for `--model current`."""
        if self._work.plan.request.model == "point-in-time":
            return day
        pipeline = self._work.pipeline
        return pipeline.grid.at_or_before(self._work.clock().astimezone(pipeline.zone).date()) or day

    def bind(self, day: date) -> Bound:
        """The model of a date, the same for every step of it. Raises Held where there is none."""
        with self._lock:
            found = self._bound.get(day)
            if found is None:
                found = self._bound[day] = self._scored_by(day) or self._bind(day)
            return found

    def _scored_by(self, day: date) -> Bound | None:
        """The model that this run scored the date with, perhaps in another process: a decision made meanwhile does not
        part the scores from what says which model they are of."""
        work = self._work
        scores = work.warehouse.partition(work.pipeline.tables.step("predict"), day)
        if scores is None or scores.run_id != work.run_id:
            return None
        choice = self.choose(day)
        assert self._candidates is not None
        record = self._candidates.by_number.get(int(scores.facts["model_version"]))
        if record is None:
            return None
        known = choice.rule if isinstance(choice, Champion) and choice.model == record else ""
        return Bound(record, known or f"model {record.number}, which scored it")

    def bound(self, day: date) -> Bound | None:
        with self._lock:
            return self._bound.get(day)

    def _bind(self, day: date) -> Bound:
        file = self._work.facts.model_file
        if file:
            return self._bind_file(day, file)
        match self.choose(day):
            case Champion(record, rule):
                current = self._work.plan.request.model == "current"
                return Bound(record, f"current: {rule}" if current else rule)
            case Untrained(tick):
                raise NeedsTick(tick)
            case NoChampion(why):
                name = self._work.pipeline.name
                raise Held(
                    "no champion",
                    why=why,
                    fix=f"Nothing was published. See: augury models {name}, or train: augury train {name} --date {day}",
                )

    def _bind_file(self, day: date, file: str) -> Bound:
        choice = self.choose(day)
        if isinstance(choice, Champion) and not choice.rule.startswith("tick"):
            return Bound(choice.model, choice.rule)
        assert self._candidates is not None
        newest_first = sorted(self._candidates.by_number.items(), reverse=True)
        return Bound(next(model for _, model in newest_first if model.fingerprint == file), "file")

    def references(self, day: date) -> Mapping[str, str] | None:
        """The reference versions of the model that scores a date; None where none is known yet."""
        if not self._work.graph.reads_references:
            return None
        choice = self.choose(day)
        return self._work.references_of(choice.model) if isinstance(choice, Champion) else None

    def fitted(self, record: ModelRecord) -> FittedModel:
        """The model itself, loaded and proven by its golden rows once per run. Raises ModelFailed."""
        with self._lock:
            found = self._work.fitted.get(record.number)
            if found is None:
                found = self._work.fitted[record.number] = load_model(self._work, record)
            return found


def load_model(work: Work, record: ModelRecord) -> FittedModel:
    from augury.models import artifacts, model_card

    folder = work.models / record.folder
    trains = plugins.load("models", record.type).trains
    try:
        if model_card.card_sha256(folder) != record.sha256:
            raise ModelFailed(
                f"model {record.number} is not the one that was registered: its card was changed",
                fix=f"Train it again: augury train {record.pipeline} --date {record.tick}",
            )
        return artifacts.load(folder, lambda name: plugins.load("models", name), work.threads)
    except ModelFailed as error:
        error.fix = error.fix if trains else ANEW
        raise


def model_folder(work: Work, name: str) -> Path:
    """Where an artifact of this pipeline version lies; relative to the folder of all models."""
    pipeline = work.pipeline
    return Path(f"{pipeline.tables.stem}_{pipeline.version}") / name
