"""Which queued tasks are released to the workers now, which expire, and when is it time to look again? Pure.

Every task stands in two queues: its pipeline's queue of its step, and the project's, each called like its entry of
`throttle`, or `default` where there is none. It is released when it is ready and both have room. Nothing is counted up
or down: slots are rows, rates are rows, so neither can leak or become negative.

A clock that is set back lets nobody exceed a limit: what was released "in the future" counts as just released. And it
makes nobody wait for longer than it was set back.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from math import inf

from augury.service.rooms import Queue, Room
from augury.service.turns import Group, Release, Turns
from augury.spec.service import DEFAULT, Throttle, throttle_of, throttle_of_task

READ_AHEAD = 10
"""Of the tasks that wait in one queue, so many times `max_tasks_per_poll` are looked at."""
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
    """Oldest first: those of the longest period of a rate, and at least the last hundred."""
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
    """Now; just after every earlier look where the clock was set back."""
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
        self._throttles: dict[tuple[str, str], Throttle] = {}
        self._rooms = self._all_rooms()

    def decide(self) -> Decision:
        at = self._at
        expired = tuple(found for task in (*at.queued, *at.suspended) if (found := self._expired(task)))
        gone = {each.task.key for each in expired}
        waiting = [task for task in at.queued if task.key not in gone]
        suspended = [task for task in at.suspended if task.key not in gone]
        early, ready = self._read(waiting)
        released = self._release(ready)
        operations = tuple(self._operations(suspended))
        out = {task.key for task in released}
        return Decision(
            released=tuple(released),
            expired=expired,
            looked_at=tuple(early),
            operations=operations,
            polled=tuple(sorted(name for name, room in self._rooms.items() if room.looked and room.period)),
            stamp=self._stamp(),
            next=self._next([task for task in waiting if task.key not in out], suspended),
        )

    # -- what counts for a task --------------------------------------------------------------------------------

    def _of_task(self, task: Queued) -> Throttle:
        key = task.pipeline, task.step
        if key not in self._throttles:
            own = self._at.pipelines.get(task.pipeline, {})
            self._throttles[key] = throttle_of_task(self._at.project, own, task.step or DEFAULT)
        return self._throttles[key]

    def _is_ready(self, task: Queued) -> bool:
        return starts_at(task, self._of_task(task)) <= self._now

    def _expired(self, task: Queued) -> Expired | None:
        limit = expires_at(task, self._of_task(task))
        if limit is None or limit > self._now:
            return None
        waited = timedelta(seconds=int((self._now - task.enqueued_at).total_seconds()))
        return Expired(task, f"expired: waited {waited}, and was to wait until {limit:%Y-%m-%d %H:%M:%S} UTC at most")

    # -- the two queues of a task ------------------------------------------------------------------------------

    def _queues(self, pipeline: str, step: str) -> tuple[Queue, Queue]:
        def named(throttles: Mapping[str, Throttle]) -> str:
            return step if step in throttles else DEFAULT

        return (
            Queue(pipeline, named(self._at.pipelines.get(pipeline, {}))),
            Queue("", named(self._at.project)),
        )

    def _both(self, task: Queued) -> tuple[Room, Room]:
        own, common = self._queues(task.pipeline, task.step)
        return self._rooms[own], self._rooms[common]

    def _all_rooms(self) -> dict[Queue, Room]:
        at = self._at
        used: Counter[Queue] = Counter()
        releases: dict[Queue, list[datetime]] = defaultdict(list)
        slots = [(slot.pipeline, slot.step) for slot in at.running]
        for pipeline, step in (*slots, *((task.pipeline, task.step) for task in at.suspended)):
            used.update(self._queues(pipeline, step))
        for each in at.releases:
            for name in self._queues(each.pipeline, each.step):
                releases[name].append(each.at)
        asked = {name for task in at.suspended for name in self._queues(task.pipeline, task.step)}
        names = {name for task in at.queued for name in self._queues(task.pipeline, task.step)} | asked
        rooms = {}
        for name in names:
            throttle = throttle_of(at.pipelines.get(name.pipeline, {}) if name.pipeline else at.project, name.step)
            # Looking at tasks costs nothing, unless what is done per look is limited or goes to somebody outside.
            poll = at.poll if throttle.max_tasks_per_poll is not None or name in asked else 0.0
            rooms[name] = Room(
                throttle, at.now, used=used[name], releases=releases[name], polled=at.polled.get(name), poll=poll
            )
        return rooms

    # -- looking -----------------------------------------------------------------------------------------------

    def _looks(self, tasks: Sequence[Queued]) -> Iterator[tuple[Group, tuple[Room, Room], list[Queued]]]:
        """The tasks that one look reads, by group: those that were looked at longest ago first."""
        groups: dict[Group, list[Queued]] = defaultdict(list)
        for task in tasks:
            groups[Group(task.priority, task.pipeline, task.step)].append(task)
        for group, found in sorted(groups.items()):
            both = self._both(found[0])
            if not all(room.open for room in both):
                continue
            for room in both:
                room.looked = True
            most = min((room.most for room in both if room.most is not None), default=None)
            found.sort(key=lambda task: (task.polled_at or task.enqueued_at, *_place(task)))
            yield group, both, found if most is None else found[: READ_AHEAD * most]

    def _read(self, waiting: Sequence[Queued]) -> tuple[list[Queued], dict[Group, deque[Queued]]]:
        """Tasks that are looked at and not ready; and those that are, in the order in which they go."""
        early: list[Queued] = []
        ready: dict[Group, deque[Queued]] = {}
        for group, _, read in self._looks(waiting):
            early += [task for task in read if not self._is_ready(task)]
            if found := [task for task in read if self._is_ready(task)]:
                ready[group] = deque(sorted(found, key=_place))
        return early, ready

    def _release(self, ready: dict[Group, deque[Queued]]) -> list[Queued]:
        since = {group: min(starts_at(task, self._of_task(task)) for task in tasks) for group, tasks in ready.items()}
        turns = Turns(self._at.releases, since)
        out: list[Queued] = []
        while len(out) < self._at.capacity:
            possible = [group for group, tasks in ready.items() if all(room.free for room in self._both(tasks[0]))]
            if not possible:
                break
            group = min(possible, key=lambda each: (*turns.rank(each), *_place(ready[each][0])))
            task = ready[group].popleft()
            if not ready[group]:
                del ready[group]
            for room in self._both(task):
                room.take()
            turns.serve(group)
            out.append(task)
        return out

    def _operations(self, suspended: Sequence[Queued]) -> Iterator[Operations]:
        for _, both, read in self._looks(suspended):
            left = min(room.left for room in both)
            if left > 0:
                yield Operations(tuple(read), None if left == inf else int(left))

    def _stamp(self) -> datetime:
        looks = (task.polled_at for task in (*self._at.queued, *self._at.suspended) if task.polled_at)
        newest = max(looks, default=None)
        return self._now if newest is None or newest < self._now else newest + timedelta(microseconds=1)

    # -- when to look again ------------------------------------------------------------------------------------

    def _next(self, waiting: Sequence[Queued], suspended: Sequence[Queued]) -> datetime | None:
        times = [expires_at(task, self._of_task(task)) for task in (*waiting, *suspended)]
        times += [max(room.next_look for room in self._both(task)) for task in suspended]
        times += [self._next_of(task) for task in waiting]
        return min((at for at in times if at is not None and at > self._now), default=None)

    def _next_of(self, task: Queued) -> datetime | None:
        """When a task may go by time alone, as far as can be said; None where a slot has to become free first."""
        both = self._both(task)
        look = max(room.next_look for room in both)
        start = starts_at(task, self._of_task(task))
        if start > self._now:
            return max(start, look)
        free = [room.next_free for room in both]
        return None if None in free else max((look, *(at for at in free if at is not None)))


def _place(task: Queued) -> tuple[str, int, str]:
    """Runs sort by their time, tasks by their place in the plan."""
    return task.run_id, task.position, task.task
