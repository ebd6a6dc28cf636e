"""How many more tasks may a queue let go now, and when more? A queue is what one entry of `throttle` speaks of.

Every task stands in two of them: its pipeline's and the project's, each called like its step, or `default` where there
is no such entry. Tasks of one pipeline and step stand in the same two: that is their lane.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from augury.service.turns import Release
from augury.spec.service import DEFAULT, Throttle, throttle_of, throttle_of_task

READ_AHEAD = 10
"""Of the tasks that wait, so many times `max_tasks_per_poll` are looked at."""

PipelineStep = tuple[str, str]
Throttles = Mapping[str, Throttle]


class Queue(NamedTuple):
    """The tasks of one pipeline, or of all together, that one entry of `throttle` is about."""

    pipeline: str
    """Empty for the project's."""
    step: str
    """A step, `train` or `default`."""


class Room:
    """What is left of the limits of one queue while a decision is made."""

    def __init__(
        self,
        throttle: Throttle,
        now: datetime,
        *,
        used: int,
        releases: Iterable[datetime],
        polled: datetime | None,
        poll: float,
    ) -> None:
        """`used` slots, the instants of its `releases` and its last look; `poll` seconds go by at least between two
        looks where the throttle does not say."""
        self._now = now
        self._slots = inf if throttle.max_concurrent is None else max(throttle.max_concurrent - used, 0)
        self._rate = throttle.rate
        window = timedelta(seconds=throttle.rate.seconds) if throttle.rate else timedelta(0)
        # Releases "in the future" were made before the clock was set back: they count as if they were just made.
        self._recent = sorted(at for at in releases if at > now - window) if throttle.rate else []
        self._window = window
        self._polled = polled
        self.most = throttle.max_tasks_per_poll
        """`max_tasks_per_poll`."""
        self.period = timedelta(seconds=poll if throttle.poll is None else throttle.poll)
        """Between two looks."""
        self.looked = False
        """Its tasks are looked at now."""
        self._taken = 0

    @property
    def open(self) -> bool:
        """It is time for a look. A last look in the future was made before the clock was set back."""
        return self._polled is None or self._polled > self._now or self._now - self._polled >= self.period

    @property
    def left(self) -> float:
        """Tasks that `max_tasks_per_poll` still allows at this look."""
        return inf if self.most is None else self.most - self._taken

    @property
    def free(self) -> bool:
        """Whether one more task may go now."""
        within = self._rate is None or len(self._recent) < self._rate.most
        return self._slots > 0 and within and self.left > 0

    def take(self) -> None:
        """One task goes."""
        self._slots -= 1
        self._taken += 1
        self._recent.append(self._now)

    @property
    def next_look(self) -> datetime:
        """When its tasks are looked at next."""
        if self.looked:
            return self._now + self.period
        return self._now if self.open or self._polled is None else self._polled + self.period

    @property
    def next_free(self) -> datetime | None:
        """When one more may go by time alone; None where a slot has to become free first."""
        if self._slots <= 0:
            return None
        at = self.next_look if self.left <= 0 else self._now
        if self._rate is not None and len(self._recent) >= self._rate.most:
            at = max(at, sorted(self._recent)[-self._rate.most] + self._window)
        return at


@dataclass(frozen=True)
class Lane:
    """What the tasks of one pipeline and step have in common."""

    throttle: Throttle
    """What counts for the tasks themselves: delay, expires."""
    rooms: tuple[Room, Room]
    """Of its pipeline, and of the project."""

    @property
    def open(self) -> bool:
        return all(room.open for room in self.rooms)

    @property
    def free(self) -> bool:
        return all(room.free for room in self.rooms)

    @property
    def left(self) -> float:
        return min(room.left for room in self.rooms)

    @property
    def read_ahead(self) -> int | None:
        """How many tasks one look reads; None for all."""
        most = [room.most for room in self.rooms if room.most is not None]
        return READ_AHEAD * min(most) if most else None

    def look(self) -> None:
        for room in self.rooms:
            room.looked = True

    def take(self) -> None:
        for room in self.rooms:
            room.take()

    @property
    def next_look(self) -> datetime:
        return max(room.next_look for room in self.rooms)

    def next_release(self, starts: Sequence[datetime], now: datetime) -> datetime | None:
        """When one of the tasks that are left may go, that are ready at `starts`: when their queues are looked at next,
        where these have a time for it; else when a task is ready or a rate allows it. None where only a slot that
        becomes free can change anything."""
        if any(room.period for room in self.rooms):
            return self.next_look
        times = [start for start in starts if start > now]
        if len(times) < len(starts):
            free = [room.next_free for room in self.rooms]
            if None not in free:
                times.append(max(at for at in free if at is not None))
        return min(times, default=None)


@dataclass(frozen=True)
class Usage:
    """What happened in the queues already."""

    slots: Collection[PipelineStep]
    """Pipeline and step of every task that is out or suspended."""
    releases: Sequence[Release]
    polled: Mapping[Queue, datetime]
    """When each queue was looked at last."""


class Lanes:
    """The lanes of everybody who waits, with the rooms that they share."""

    def __init__(
        self,
        pipelines: Mapping[str, Throttles],
        project: Throttles,
        waiting: Collection[PipelineStep],
        suspended: Collection[PipelineStep],
        usage: Usage,
        now: datetime,
        poll: float,
    ) -> None:
        self._pipelines = pipelines
        self._project = project
        used: Counter[Queue] = Counter()
        for slot in usage.slots:
            used.update(self._queues(slot))
        releases: dict[Queue, list[datetime]] = defaultdict(list)
        for each in usage.releases:
            for queue in self._queues((each.pipeline, each.step)):
                releases[queue].append(each.at)
        asked = {queue for lane in suspended for queue in self._queues(lane)}
        self.rooms: dict[Queue, Room] = {}
        for queue in asked.union(*(self._queues(lane) for lane in waiting)):
            throttle = throttle_of(self._of(queue.pipeline) if queue.pipeline else project, queue.step)
            # Looking costs nothing, unless what is done at one look is limited or somebody outside is asked.
            limited = throttle.max_tasks_per_poll is not None or queue in asked
            self.rooms[queue] = Room(
                throttle,
                now,
                used=used[queue],
                releases=releases[queue],
                polled=usage.polled.get(queue),
                poll=poll if limited else 0.0,
            )
        self._lanes = {lane: self._lane(lane) for lane in {*waiting, *suspended}}

    def __getitem__(self, lane: PipelineStep) -> Lane:
        return self._lanes[lane]

    @property
    def polled(self) -> tuple[Queue, ...]:
        """Queues that are looked at now, and have a time for that."""
        return tuple(sorted(queue for queue, room in self.rooms.items() if room.looked and room.period))

    def _of(self, pipeline: str) -> Throttles:
        return self._pipelines.get(pipeline, {})

    def _lane(self, lane: PipelineStep) -> Lane:
        pipeline, step = lane
        own, common = self._queues(lane)
        throttle = throttle_of_task(self._project, self._of(pipeline), step or DEFAULT)
        return Lane(throttle, (self.rooms[own], self.rooms[common]))

    def _queues(self, lane: PipelineStep) -> tuple[Queue, Queue]:
        pipeline, step = lane
        own, common = (step if step in throttles else DEFAULT for throttles in (self._of(pipeline), self._project))
        return Queue(pipeline, own), Queue("", common)
