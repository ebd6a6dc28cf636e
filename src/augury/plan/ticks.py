"""When is a model trained, from which dates, and which tick belongs to a run date?"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from augury.dates import DateRange, Grid
from augury.spec.files import PipelineSpec


@dataclass(frozen=True)
class Ticks:
    """The training ticks of a pipeline: those of its schedule, and those that somebody asked for."""

    pipeline: PipelineSpec
    extra: frozenset[date] = frozenset()
    """Ticks of explicit trainings."""

    @cached_property
    def _scheduled(self) -> Grid | None:
        model = self.pipeline.settings.model
        if model is None or model.train.schedule is None:
            return None
        start = max(self.pipeline.settings.start, model.train.start or self.pipeline.settings.start)
        return Grid(model.train.schedule, self.pipeline.zone, start, self.pipeline.settings.end)

    def until(self, day: date) -> tuple[date, ...]:
        """Ticks at or before `day`, ascending; scheduled ones without any training date are left out."""
        found = {tick for tick in self.extra if tick <= day}
        if self._scheduled is not None and self._scheduled.start <= day:
            scheduled = self._scheduled.dates(DateRange(self._scheduled.start, day + timedelta(days=1)))
            at = _first_usable(scheduled, self)
            found.update(scheduled[at:])
        return tuple(sorted(found))

    def of(self, run_date: date) -> date | None:
        """The tick of a run date: the last T with T + grace <= D; without one, the first T <= D."""
        ticks = self.until(run_date)
        if not ticks:
            return None
        at = bisect_right(ticks, run_date - timedelta(days=self._grace))
        return ticks[at - 1] if at else ticks[0]

    def effective(self, tick: date, first: date) -> date:
        """The first run date that a tick can score: the first tick at once, others after the grace."""
        return tick if tick == first else tick + timedelta(days=self._grace)

    @property
    def _grace(self) -> int:
        model = self.pipeline.settings.model
        return model.train.grace if model else 0

    def closes(self, day: date) -> datetime:
        """The instant at which the label of a training date is closed, in UTC."""
        settings = self.pipeline.settings
        delay = settings.model.train.label_delay if settings.model else 0
        return self.pipeline.cutoffs.plus(day, (settings.horizon or 0) + delay)

    def training_dates(self, tick: date) -> tuple[date, ...]:
        """Grid dates every `every` days from `start`, in the `window` that ends at the last one whose label is
        closed at the cutoff of the tick."""
        settings = self.pipeline.settings
        if settings.model is None:
            return ()
        train = settings.model.train
        cutoff = self.pipeline.cutoffs.of(tick)
        # The label closes after the horizon, so no later date can be closed at the tick.
        newest = tick - timedelta(days=(settings.horizon or 0) + train.label_delay)
        last = self.pipeline.grid.at_or_before(newest)
        while last is not None and self.closes(last) > cutoff:
            last = self.pipeline.grid.before(last)
        if last is None:
            return ()
        first = max(settings.start, last - timedelta(days=train.window - 1))
        inside = self.pipeline.grid.dates(DateRange(first, last + timedelta(days=1)))
        return tuple(day for day in inside if (day - settings.start).days % train.every == 0)


def _first_usable(scheduled: tuple[date, ...], ticks: Ticks) -> int:
    """Index of the first tick with a training date: later ones have some too, as time only closes labels."""
    low, high = 0, len(scheduled)
    while low < high:
        middle = (low + high) // 2
        if ticks.training_dates(scheduled[middle]):
            high = middle
        else:
            low = middle + 1
    return low


def with_extra(pipeline: PipelineSpec, ticks: Iterable[date]) -> Ticks:
    return Ticks(pipeline, frozenset(ticks))
