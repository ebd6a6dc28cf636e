"""Whose turn is it among those who could go?

The higher class (scheduled before submitted). Within a class pipelines take turns: the one that was served longest ago.
Within a pipeline runs go in their order, and tasks in the order of their plan.

A lower class is passed over nine times at most: after nine releases of higher classes since its pipeline was last
served for this step and class, it goes first. So higher classes have nine of ten turns for as long as they want them,
and nobody waits for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

PASSED_OVER = 9
"""Releases of higher classes after which a lower one goes first."""


class Group(NamedTuple):
    """Tasks that differ in nothing but their place."""

    priority: int
    """Lower goes first."""
    pipeline: str
    step: str


@dataclass(frozen=True)
class Release:
    """A task was given to the workers."""

    pipeline: str
    step: str
    priority: int
    at: datetime


class Turns:
    """Who was served, until now and while a decision is made."""

    def __init__(self, releases: Sequence[Release], since: Mapping[Group, datetime]) -> None:
        """`releases`: oldest first. `since`: who wants a turn, and from when on."""
        self._served: dict[tuple[int, str], int] = {}
        for number, each in enumerate(releases):
            self._served[each.priority, each.pipeline] = number
        self._count = len(releases)
        self._passed = {group: _passed_over(group, releases, at) for group, at in since.items()}

    def rank(self, group: Group) -> tuple[bool, int, int]:
        """The smallest goes first."""
        served = self._served.get((group.priority, group.pipeline), -1)
        return self._passed[group] < PASSED_OVER, group.priority, served

    def serve(self, group: Group) -> None:
        self._served[group.priority, group.pipeline] = self._count
        self._count += 1
        for each in self._passed:
            self._passed[each] += each.priority > group.priority
        self._passed[group] = 0


def _passed_over(group: Group, releases: Sequence[Release], since: datetime) -> int:
    """Releases of higher classes since somebody of the group was ready or served, up to PASSED_OVER."""
    count = 0
    for each in reversed(releases):
        if count == PASSED_OVER or each.at < since or (each.priority, each.pipeline, each.step) == group:
            break
        count += each.priority < group.priority
    return count
