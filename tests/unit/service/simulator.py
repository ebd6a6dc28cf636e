"""Hours of the service in milliseconds: policy and schedules decide on a clock that jumps from event to event.

    world = World(pipelines={"ltv": {"predict": Throttle(max_concurrent=5)}})
    world.enqueue("ltv", 30, step="predict")
    world.run(hours=1)
    assert world.most_at_a_time() == 5

The simulator does what the ledger and the workers would do: it applies each decision, lets released tasks take their
time, and tries those again that fail. It asks again when something ended or when the decision said so, and never else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from augury.dates import Grid
from augury.service.due import Readiness, Timetable, Watch, due, readiness
from augury.service.policy import Decision, Expired, Queued, Situation, Slot, backoff, decide
from augury.service.rooms import Queue
from augury.service.turns import Release
from augury.spec.service import Throttle, throttle_of_task

SCHEDULED, SUBMITTED = 0, 1
START = datetime(2026, 1, 15, tzinfo=UTC)

HOUR = 3600.0
MADRID = ZoneInfo("Europe/Madrid")

Key = tuple[str, str]
Throttles = Mapping[str, Throttle]


@dataclass(frozen=True)
class Done:
    """One attempt that was released, and when it was over."""

    task: Queued
    begin: datetime
    end: datetime


@dataclass
class World:
    pipelines: Mapping[str, Throttles] = field(default_factory=dict)
    project: Throttles = field(default_factory=dict)
    capacity: int = 1000
    """Threads of the workers."""
    poll: float = 1.0
    takes: Callable[[Queued], float] = lambda task: 60.0
    """Seconds that an attempt takes."""
    fails: Callable[[Queued], bool] = lambda task: False
    suspends: Callable[[Queued], bool] = lambda task: False
    """Whether an attempt waits for an operation outside for as long as it takes, without a thread."""
    now: datetime = START

    queued: dict[Key, Queued] = field(default_factory=dict)
    out: dict[Key, Done] = field(default_factory=dict)
    """Released tasks, suspended ones included, and when they will be over."""
    suspended: dict[Key, Queued] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)
    history: list[Done] = field(default_factory=list)
    dead: list[Expired] = field(default_factory=list)
    polled: dict[Queue, datetime] = field(default_factory=dict)
    looks: Counter[Key] = field(default_factory=Counter)
    """How often a task was looked at and not ready, or its operation asked."""
    decisions: list[tuple[datetime, Decision]] = field(default_factory=list)
    schedules: dict[str, tuple[Timetable, Watch]] = field(default_factory=dict)
    submitted: list[tuple[datetime, str, date]] = field(default_factory=list)
    sources: Callable[[date, datetime], bool] = lambda day, now: True
    runs: int = 0

    # -- what happens to it --------------------------------------------------------------------------------------

    def enqueue(
        self, pipeline: str, count: int = 1, *, step: str = "predict", priority: int = SUBMITTED, expires: float = 0
    ) -> str:
        """A run with so many tasks, in the order of its plan; its id."""
        self.runs += 1
        run = f"run{self.runs:06}"
        until = self.now + timedelta(seconds=expires) if expires else None
        for position in range(count):
            task = Queued(run, f"{position:04}", pipeline, step, priority, position, self.now, expires_at=until)
            self.queued[task.key] = task
        return run

    def serve(self, pipeline: str, table: Timetable, handled: date | None = None) -> None:
        self.schedules[pipeline] = (table, Watch(self.now, handled))

    def run(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> None:
        until = self.now + timedelta(seconds=seconds, minutes=minutes, hours=hours)
        while self.now < until:
            wake = self.once()
            self.now = min(until, wake)

    def once(self) -> datetime:
        """Everything that happens now; when to go on."""
        self._end()
        ticks = [self._serve(name) for name in self.schedules]
        decision = self.decide()
        self._apply(decision)
        ends = [done.end for key, done in self.out.items() if key not in self.suspended]
        if any(self.suspends(task) for task in decision.released):
            ends.append(self.now + timedelta(seconds=self.poll))
        times = [at for at in (*ticks, *ends, decision.next) if at is not None and at > self.now]
        return min(times, default=self.now + timedelta(days=1))

    def decide(self) -> Decision:
        running = [Slot(*key, done.task.pipeline, done.task.step) for key, done in self._running().items()]
        return decide(
            Situation(
                now=self.now,
                queued=tuple(self.queued.values()),
                running=running,
                suspended=tuple(self.suspended.values()),
                releases=tuple(self.releases),
                pipelines=self.pipelines,
                project=self.project,
                capacity=self.capacity - len(running),
                polled=dict(self.polled),
                poll=self.poll,
            )
        )

    def _running(self) -> dict[Key, Done]:
        return {key: done for key, done in self.out.items() if key not in self.suspended}

    def _end(self) -> None:
        for key, done in list(self.out.items()):
            # An operation outside is over when somebody asks for it.
            if done.end <= self.now and key not in self.suspended:
                self._over(key)

    def _over(self, key: Key) -> None:
        done = self.out.pop(key)
        self.suspended.pop(key, None)
        self.history.append(done)
        throttle = self._throttle(done.task)
        if self.fails(done.task) and done.task.attempt <= throttle.retries:
            later = timedelta(seconds=backoff(done.task.attempt, throttle.backoff, done.task.task))
            self.queued[key] = replace(done.task, attempt=done.task.attempt + 1, not_before=self.now + later)

    def _throttle(self, task: Queued) -> Throttle:
        return throttle_of_task(self.project, self.pipelines.get(task.pipeline, {}), task.step)

    def _apply(self, decision: Decision) -> None:
        self.decisions.append((self.now, decision))
        for expired in decision.expired:
            key = expired.task.key
            self.dead.append(expired)
            self.queued.pop(key, None)
            if self.suspended.pop(key, None):
                self.history.append(replace(self.out.pop(key), end=self.now))
        for task in decision.looked_at:
            self.looks[task.key] += 1
            self.queued[task.key] = replace(task, polled_at=decision.stamp)
        for operations in decision.operations:
            self._ask(operations.tasks, operations.most, decision)
        for task in decision.released:
            del self.queued[task.key]
            self.out[task.key] = Done(task, self.now, self.now + timedelta(seconds=self.takes(task)))
            self.releases.append(Release(task.pipeline, task.step, task.priority, self.now))
            if self.suspends(task):
                self.suspended[task.key] = task
        self.polled |= dict.fromkeys(decision.polled, self.now)

    def _ask(self, tasks: tuple[Queued, ...], most: int | None, decision: Decision) -> None:
        found = 0
        for task in tasks:
            if found == most:
                break
            self.looks[task.key] += 1
            if self.out[task.key].end <= self.now:
                found += 1
                self._over(task.key)
            else:
                self.suspended[task.key] = replace(task, polled_at=decision.stamp)

    def _serve(self, pipeline: str) -> datetime | None:
        table, watch = self.schedules[pipeline]
        found = due(table, watch, self.now)
        handled, looked = found.handled, watch.looked
        submit = list(found.dates)
        for look in found.looks:
            looked = self.now
            state = readiness(present=self.sources(look.day, self.now), done=False)
            if state is Readiness.DUE:
                submit.append(look.day)
            if state is Readiness.DUE or look.last:
                handled = look.day
        for day in submit:
            self.submitted.append((self.now, pipeline, day))
            self.enqueue(pipeline, priority=SCHEDULED)
        self.schedules[pipeline] = (table, replace(watch, handled=handled, reached=found.reached, looked=looked))
        return found.wake

    # -- what came of it -----------------------------------------------------------------------------------------

    def began(self, run: str | None = None) -> list[float]:
        """Seconds after the start at which attempts were released, in that order."""
        everything = [*self.history, *self.out.values()]
        found = sorted(done.begin for done in everything if run is None or done.task.run_id == run)
        return [(each - START).total_seconds() for each in found]

    def order(self) -> list[Queued]:
        """Attempts in the order in which they were released."""
        return [task for _, decision in self.decisions for task in decision.released]

    def most_at_a_time(self, pipeline: str | None = None) -> int:
        """The largest number of tasks that were out at one instant."""
        everything = [*self.history, *self.out.values()]
        of = [done for done in everything if pipeline is None or done.task.pipeline == pipeline]
        events = sorted([(done.begin, 1) for done in of] + [(done.end, -1) for done in of])
        most = now = 0
        for _, change in events:  # at one instant those that end come first
            now += change
            most = max(most, now)
        return most

    def most_within(self, seconds: float) -> int:
        """The largest number of releases in any window of so many seconds."""
        begins = self.began()
        return max((sum(1 for each in begins if first <= each < first + seconds) for first in begins), default=0)


def throttled(step: str = "predict", *, takes: float = 60.0, **keys: Any) -> World:
    """One pipeline, `ltv`, whose `step` has these keys."""
    return World(pipelines={"ltv": {step: Throttle(**keys)}}, takes=lambda task: takes)


def table(cron: str = "0 6 * * *", zone: ZoneInfo = MADRID, **more: Any) -> Timetable:
    """A schedule that begins with 2026."""
    return Timetable("predict", Grid(cron, zone, date(2026, 1, 1)), **more)
