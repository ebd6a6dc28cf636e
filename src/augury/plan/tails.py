"""Which part of a fingerprint stands for what other pipelines have built?

The fingerprint of a step that reads another pipeline, directly or through what it reads, has a tail behind its base:
what it was made from over there, as the ledger recorded it. Nobody knows the tail before the other pipeline has run,
so it is found out once more when a task is performed; the base stays as it was planned. And what was tidied away over
there makes nothing out of date: what is built keeps the tail that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from augury.plan.facts import OtherFacts
from augury.plan.others import look
from augury.plan.steps import External
from augury.plan.windows import WindowSums
from augury.sql.fingerprint import combine
from augury.sql.relations import History, OfAnother, OtherHistory, OtherRef

if TYPE_CHECKING:
    from augury.plan.fingerprints import Fingerprints, Key, Wanted

_BASE = 32
"""Digits of a fingerprint without a tail."""
_UNKNOWN = "0" * _BASE


def base_of(fingerprint: str) -> str:
    """The part that does not depend on other pipelines."""
    return fingerprint[:_BASE]


def tail_of(fingerprint: str) -> str:
    """The part that stands for other pipelines; empty where none is read."""
    return fingerprint[_BASE:]


class Tails:
    """The tails of all partitions that a plan looks at."""

    def __init__(self, prints: Fingerprints) -> None:
        self._prints = prints
        self._graph = prints.graph
        self._windows: dict[object, _Window] = {}
        self._absences: dict[tuple[str, date], External | None] = {}

    def of(self, key: Key, inputs: Sequence[Wanted]) -> tuple[str, bool]:
        """(tail, whether something over there is not known); `inputs` are those of the same date."""
        if key.step not in self._graph.reading_others:
            return "", False
        parts = [tail_of(each.fingerprint) for each in inputs]
        blind = any(each.blind for each in inputs)
        for read in self._graph.reads[key.step]:
            if isinstance(read, OtherRef | OtherHistory):
                part, unknown = self._of_another(read).over(self._graph.others.days(read, key.day))
            elif isinstance(read, History) and read.step in self._graph.reading_others:
                part, unknown = self._of_history(read, key).over(self._prints.history_dates(read, key.day))
            else:
                continue
            parts.append(part)
            blind = blind or unknown
        if not blind:
            return combine(*parts), False
        record = self._prints.record(key)
        kept = tail_of(record.fingerprint) if record is not None and record.status.complete else ""
        return (kept, False) if kept else (_UNKNOWN, True)

    def of_many(self, inputs: Sequence[Wanted]) -> tuple[str, bool]:
        """(tail, whether something is not known) of what is made from all of these partitions."""
        tails = [tail_of(each.fingerprint) for each in inputs]
        if not any(tails):
            return "", False
        return (_UNKNOWN, True) if any(each.blind for each in inputs) else (combine(*tails), False)

    def unmet(self, key: Key) -> tuple[External, ...]:
        """What a partition is to be built from and is not there.

        Raises SpecError where it can never be there, or must not be known.
        """
        others = self._graph.others
        out: list[External] = []
        for read in self._graph.reads_others(key.step):
            others.refuse_off_grid(key.step, read, key.day)
            others.refuse_future(key.step, read, key.day, until=self._graph.known_until(key.step, key.day))
            found = (self._absent(read, day) for day in others.days(read, key.day))
            out += (need for need in found if need is not None)
        return tuple(out)

    def _absent(self, read: OfAnother, day: date) -> External | None:
        """The partition, where it is not there. Look-backs ask for the same ones again and again."""
        key = (read.name, day)
        if key not in self._absences:
            need = self._graph.others.partition(read, day)
            fingerprint, why = self._look(need)
            self._absences[key] = None if fingerprint else replace(need, why=why)
        return self._absences[key]

    def _look(self, need: External) -> tuple[str, str]:
        known = self._prints.facts.others.get((need.pipeline, need.version), OtherFacts())
        return look(need, known.partitions.get((need.table, need.day)), known.dates.get(need.day))

    def _of_another(self, read: OfAnother) -> _Window:
        def found(day: date) -> tuple[str, bool]:
            need = self._graph.others.partition(read, day)
            fingerprint = self._look(need)[0]
            return combine(need.pipeline, need.version, need.step, day.isoformat(), fingerprint), not fingerprint

        return self._windows.setdefault((read.name, type(read)), _Window(found))

    def _of_history(self, read: History, reader: Key) -> _Window:
        def found(day: date) -> tuple[str, bool]:
            wanted = self._prints.wanted(self._prints.seen_by(reader, read.step, day))
            return tail_of(wanted.fingerprint) or _UNKNOWN, wanted.blind

        return self._windows.setdefault((read.step, reader.training, reader.references), _Window(found))


class _Window:
    """What stands for the partitions of some dates, and whether one of them is not known."""

    def __init__(self, found: Callable[[date], tuple[str, bool]]) -> None:
        self._found = found
        self._sums = WindowSums(self._fingerprint_of)
        self._unknown: set[date] = set()

    def over(self, days: Sequence[date]) -> tuple[str, bool]:
        total = self._sums.over(days)
        return total, bool(self._unknown) and not self._unknown.isdisjoint(days)

    def _fingerprint_of(self, day: date) -> str:
        fingerprint, unknown = self._found(day)
        if unknown:
            self._unknown.add(day)
        return fingerprint
