"""Which model scores a date? The rules of the design, as a walk back from the date.

What can decide are ticks, from their tick plus the grace on, and promotions and rollbacks, from their effective date
on. The latest of them at or before the run date wins; a tick whose model failed its gate is passed over. The walk
never looks at what came later, so the answer is the same in any order of dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from augury.ledger.records import Decision, ModelRecord
from augury.plan.ticks import Ticks


@dataclass(frozen=True)
class Champion:
    model: ModelRecord
    rule: str
    """Why this one: `tick 1998-01-01`, `promoted from 1998-02-10`, `current`, `file`."""


@dataclass(frozen=True)
class Untrained:
    """A tick decides that has no model yet."""

    tick: date


@dataclass(frozen=True)
class NoChampion:
    why: str


Choice = Champion | Untrained | NoChampion


@dataclass(frozen=True)
class Candidates:
    """Everything that can decide, newest knowledge first taken from the ledger."""

    ticks: Ticks
    by_tick: Mapping[date, ModelRecord]
    """The model of each trained tick: the newest where it was trained again under another definition."""
    by_number: Mapping[int, ModelRecord]
    decisions: Sequence[Decision] = ()
    """promote and rollback, oldest first."""

    @classmethod
    def of(cls, ticks: Ticks, models: Sequence[ModelRecord], decisions: Sequence[Decision]) -> Candidates:
        by_number = {model.number: model for model in sorted(models, key=lambda model: model.number)}
        return cls(ticks, {model.tick: model for model in by_number.values()}, by_number, tuple(decisions))

    def choose(self, run_date: date, is_stale: Callable[[ModelRecord], bool] = lambda _: False) -> Choice:
        """The champion of a run date. A tick whose model `is_stale` is about to be trained again: untrained."""
        ticks = self.ticks.until(run_date)
        first = ticks[0] if ticks else None
        events: list[tuple[date, int, int, date | Decision]] = []
        for tick in ticks:
            assert first is not None
            effective = self.ticks.effective(tick, first)
            if effective <= run_date:
                events.append((effective, 0, 0, tick))
        for order, decision in enumerate(self.decisions):
            if decision.effective_from is not None and decision.effective_from <= run_date:
                # On the same date a person's decision outranks the schedule, and a later decision an earlier one.
                events.append((decision.effective_from, 1, order, decision))
        failed: ModelRecord | None = None
        for _, _, _, event in sorted(events, key=lambda item: item[:3], reverse=True):
            if isinstance(event, Decision):
                model = self.by_number.get(int(event.subject))
                if model is not None:
                    verb = "promoted" if event.action == "promote" else "rolled back"
                    return Champion(model, f"{verb} from {event.effective_from}")
                continue
            model = self.by_tick.get(event)
            if model is None or is_stale(model):
                return Untrained(event)
            if model.passed:
                return Champion(model, f"tick {event}")
            failed = failed or model
        if failed is not None:
            return NoChampion(f"no model passed its gate; the newest, model {failed.number}, did not: {failed.verdict}")
        return NoChampion("no model has been trained at or before this date")

    def before(self, tick: date) -> ModelRecord | None:
        """The champion that a candidate of `tick` must beat: the newest earlier tick that passed."""
        earlier = [model for at, model in self.by_tick.items() if at < tick and model.passed]
        return max(earlier, key=lambda model: model.tick, default=None)
