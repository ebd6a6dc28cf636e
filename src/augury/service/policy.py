"""Which queued tasks are released to the workers now, which expire, and when is it time to look again? Pure.

Every task stands in two queues: its pipeline's queue of its step, and the project's, each called like its entry of
`throttle`, or `default` where there is none. It is released when it is ready and both have room. Nothing is counted up
or down: slots are rows, rates are rows, so neither can leak or become negative.

A clock that is set back lets nobody exceed a limit: what was released "in the future" counts as just released. And it
makes nobody wait for longer than it was set back.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from math import inf

from augury.service.rooms import Lane, Lanes, Queue, Usage
from augury.service.turns import Group, Release, Turns
from augury.spec.service import Throttle

LONGEST_BACKOFF = 3600.0
"""Seconds; where `backoff` itself is longer, it is not doubled."""


@dataclass(frozen=True)
class Queued:
    """A task that is ready but for throttles, or one that is suspended until an operation outside is over."""

    run_id: str
    task: str
    pipeline: str
    """What has throttles and turns of its own: one version of one pipeline."""
    step: str
    """The throttled step that the task is about, or `train`; `default` or nothing for any other."""
    priority: int
    """Its class; lower goes first."""
    position: int
    """Place in the plan of its run."""
    enqueued_at: datetime
    """Since when nothing that it needs is missing."""
    not_before: datetime | None = None
    """Of a retry: when its backoff is over."""
    expires_at: datetime | None = None
    """Where it is not what `expires` says."""
    polled_at: datetime | None = None
    """When it was looked at last."""
    attempt: int = 1

    @property
    def key(self) -> tuple[str, str]:
        return self.run_id, self.task


@dataclass(frozen=True)
class Slot:
    """A task that is out with the workers."""

    run_id: str
    task: str
    pipeline: str
    step: str


@dataclass(frozen=True)
class Situation:
    """Everything that a decision depends on."""

    now: datetime
    queued: Sequence[Queued]
    running: Sequence[Slot] = ()
    suspended: Sequence[Queued] = ()
    """They hold a slot, but nobody's capacity."""
    releases: Sequence[Release] = ()
    """Oldest first: those of the last 24 hours at least. Whatever is not among them counts as long ago."""
    pipelines: Mapping[str, Mapping[str, Throttle]] = field(default_factory=dict)
    """`throttle` of each pipeline, under the name that its tasks give."""
    project: Mapping[str, Throttle] = field(default_factory=dict)
    """`throttle` of augury.yml."""
    capacity: int = 1
    """Tasks that the workers could begin now."""
    polled: Mapping[Queue, datetime] = field(default_factory=dict)
    """When each queue was looked at last."""
    poll: float = 1.0
    """`service.poll`, seconds."""


@dataclass(frozen=True)
class Expired:
    task: Queued
    reason: str


@dataclass(frozen=True)
class Operations:
    """Suspended tasks whose operations are to be asked about, in this order, until `most` were found to be over."""

    tasks: tuple[Queued, ...]
    most: int | None


@dataclass(frozen=True)
class Decision:
    released: tuple[Queued, ...]
    """In the order in which they go."""
    expired: tuple[Expired, ...]
    """Queued and suspended tasks that waited too long: dead letters. The slot of a suspended one is free at the next
    look."""
    looked_at: tuple[Queued, ...]
    """Not ready: they go to the back, that is, their `polled_at` becomes `stamp`."""
    operations: tuple[Operations, ...]
    """Those that were asked go to the back as well."""
    polled: tuple[Queue, ...]
    """Queues whose last look is now."""
    stamp: datetime
    """Now; or just after every earlier look, so that nobody who is looked at now stands before somebody who is not."""
    next: datetime | None
    """When something may change by time alone. A task that ends or is queued is a reason to look before."""


def decide(at: Situation) -> Decision:
    """What happens to the queue now. The same situation gives the same decision."""
    return _Decider(at).decide()


def starts_at(task: Queued, throttle: Throttle) -> datetime:
    """When a task is ready: after its `delay`, and after the backoff of a retry."""
    delayed = task.enqueued_at + timedelta(seconds=throttle.delay)
    return max(delayed, task.not_before) if task.not_before else delayed


def expires_at(task: Queued, throttle: Throttle) -> datetime | None:
    """When a task that still waits becomes a dead letter; None for never."""
    if task.expires_at is not None or throttle.expires is None:
        return task.expires_at
    return task.enqueued_at + timedelta(seconds=throttle.expires)


def backoff(attempt: int, seconds: float, key: str) -> float:
    """Seconds until a task is tried again whose attempt failed: `seconds` after the first, twice as long after each
    further one, an hour at most; and up to a quarter more, by its key, so that tasks that failed together do not come
    back together."""
    whole = min(seconds * 2.0 ** min(max(attempt - 1, 0), 64), max(seconds, LONGEST_BACKOFF))
    part = int.from_bytes(blake2b(f"{key} {attempt}".encode(), digest_size=4).digest(), "big") / 2**32
    return whole * (1 + part / 4)


class _Decider:
    def __init__(self, at: Situation) -> None:
        self._at = at
        self._now = at.now
        waiting = {(task.pipeline, task.step) for task in at.queued}
        suspended = [(task.pipeline, task.step) for task in at.suspended]
        running = [(slot.pipeline, slot.step) for slot in at.running]
        usage = Usage([*running, *suspended], at.releases, at.polled)
        self._lanes = Lanes(at.pipelines, at.project, waiting, set(suspended), usage, at.now, at.poll)
        self._expired: list[Expired] = []
        self._times: list[datetime | None] = []
        """When something may change."""

    def decide(self) -> Decision:
        at = self._at
        waiting, suspended = self._groups(at.queued), self._groups(at.suspended)
        early, ready = self._read(waiting)
        released = self._release(ready)
        operations = tuple(self._operations(suspended))
        self._look_again(waiting, suspended, {task.key for task in released})
        newest = max((_seen(task) for task in (*at.queued, *at.suspended)), default=at.now)
        return Decision(
            released=tuple(released),
            expired=tuple(self._expired),
            looked_at=tuple(early),
            operations=operations,
            polled=self._lanes.polled,
            stamp=max(at.now, newest + timedelta(microseconds=1)) if at.queued or at.suspended else at.now,
            next=min((time for time in self._times if time is not None and time > at.now), default=None),
        )

    def _lane(self, group: Group) -> Lane:
        return self._lanes[group.pipeline, group.step]

    def _groups(self, tasks: Iterable[Queued]) -> dict[Group, list[_Waiting]]:
        """The tasks that are not expired, by group, with the time at which each is ready."""
        found: dict[Group, list[_Waiting]] = defaultdict(list)
        for task in tasks:
            group = Group(task.priority, task.pipeline, task.step)
            throttle = self._lane(group).throttle
            limit = expires_at(task, throttle)
            self._times.append(limit)
            if limit is not None and limit <= self._now:
                self._expired.append(_expired(task, limit, self._now))
            else:
                found[group].append((starts_at(task, throttle), task))
        return dict(sorted(found.items()))

    def _read(self, waiting: Mapping[Group, list[_Waiting]]) -> tuple[list[Queued], dict[Group, deque[_Waiting]]]:
        """Tasks that are looked at and not ready; and those that are, in the order in which they go."""
        early: list[Queued] = []
        ready: dict[Group, deque[_Waiting]] = {}
        for group, tasks in waiting.items():
            read = self._looked_at(group, tasks)
            early += [task for start, task in read if start > self._now]
            if found := [each for each in read if each[0] <= self._now]:
                ready[group] = deque(sorted(found, key=lambda each: _place(each[1])))
        return early, ready

    def _looked_at(self, group: Group, tasks: list[_Waiting]) -> list[_Waiting]:
        """What one look reads: the tasks that were looked at longest ago. Nothing where it is no time for a look."""
        lane = self._lane(group)
        if not lane.open:
            return []
        lane.look()
        if lane.read_ahead is None:
            return tasks
        return sorted(tasks, key=lambda each: (_seen(each[1]), *_place(each[1])))[: lane.read_ahead]

    def _release(self, ready: dict[Group, deque[_Waiting]]) -> list[Queued]:
        turns = Turns(self._at.releases, {group: min(start for start, _ in tasks) for group, tasks in ready.items()})
        out: list[Queued] = []
        while len(out) < self._at.capacity:
            possible = [group for group, tasks in ready.items() if tasks and self._lane(group).free]
            if not possible:
                break
            group = min(possible, key=lambda each: (*turns.rank(each), *_place(ready[each][0][1])))
            out.append(ready[group].popleft()[1])
            self._lane(group).take()
            turns.serve(group)
        return out

    def _operations(self, suspended: Mapping[Group, list[_Waiting]]) -> Iterator[Operations]:
        for group, tasks in suspended.items():
            read, left = self._looked_at(group, tasks), self._lane(group).left
            if read and left > 0:
                yield Operations(tuple(task for _, task in read), None if left == inf else int(left))

    def _look_again(
        self,
        waiting: Mapping[Group, list[_Waiting]],
        suspended: Mapping[Group, list[_Waiting]],
        released: set[tuple[str, str]],
    ) -> None:
        for group, tasks in waiting.items():
            starts = [start for start, task in tasks if task.key not in released]
            if starts:
                self._times.append(self._lane(group).next_release(starts, self._now))
        self._times += [self._lane(group).next_look for group in suspended]


_Waiting = tuple[datetime, Queued]
"""A task, and when it is ready."""


def _expired(task: Queued, limit: datetime, now: datetime) -> Expired:
    waited = timedelta(seconds=int((now - task.enqueued_at).total_seconds()))
    return Expired(task, f"expired: waited {waited}, and was to wait until {limit:%Y-%m-%d %H:%M:%S} UTC at most")


def _seen(task: Queued) -> datetime:
    """A task that was never looked at stands behind all that were there before it."""
    return task.polled_at or task.enqueued_at


def _place(task: Queued) -> tuple[str, int, str]:
    """Runs sort by their time, tasks by their place in the plan."""
    return task.run_id, task.position, task.task
