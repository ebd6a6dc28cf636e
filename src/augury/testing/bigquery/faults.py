"""How does a test make the service fail at one chosen moment?

    server.faults.add(Refuse("rateLimitExceeded"), method="POST", path="/jobs", nth=2, times=3)
    server.faults.add(Drop("after"), path="/jobs", job="load_.*")
    server.faults.add(Slow(polls=4), job="predict_.*")

A rule counts the requests that match it, and acts on the `nth` and the `times - 1` after it. Rules are asked in the
order in which they were added; the first that acts wins. Storage Read calls are matched as method `GRPC` and path
`/CreateReadSession`, `/ReadRows`, `/SplitReadStream`.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from augury.errors import UsageError, nearest
from augury.testing.bigquery.refusals import STATUS, Refusal

MOST_REMEMBERED = 100_000


@dataclass(frozen=True)
class Refuse:
    """Answer with an error. `status` where the reason has several, such as 500 or 503 for `backendError`."""

    reason: str
    status: int | None = None
    message: str = "injected by server.faults"
    after: bool = False
    """Do the work first."""

    def __post_init__(self) -> None:
        if self.reason not in STATUS:
            close = nearest(self.reason, STATUS)
            hint = f"did you mean {close!r}?" if close else f"One of {', '.join(STATUS)}."
            raise UsageError(f"BigQuery documents no reason {self.reason!r}", fix=hint)

    def refusal(self) -> Refusal:
        return Refusal(self.reason, self.message, status=self.status)


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer, before or after the work."""

    when: Literal["before", "after"] = "before"


@dataclass(frozen=True)
class Slow:
    """A job that stays RUNNING for so many polls or seconds, and does its work only then."""

    polls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class FailJob:
    """A job that is accepted and then ends with an error, its work not done."""

    reason: str
    message: str = "injected by server.faults"


Action = Refuse | Drop | Slow | FailJob


@dataclass
class Rule:
    """One fault; `seen` and `done` may be read at any time."""

    action: Action
    method: str = ".*"
    path: str = ""
    job: str | None = None
    nth: int = 1
    times: int = 1
    seen: int = 0
    """Requests that matched."""
    done: int = 0
    """Requests on which it acted."""

    def acts(self, method: str, path: str, job: str | None) -> bool:
        if not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        if self.job is not None and (job is None or not re.fullmatch(self.job, job)):
            return False
        self.seen += 1
        if not self.nth <= self.seen < self.nth + self.times:
            return False
        self.done += 1
        return True


@dataclass(frozen=True)
class Seen:
    """One request, as it came in."""

    method: str
    path: str
    job: str | None
    parameters: Mapping[str, str] = field(default_factory=dict)


class Faults:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._requests: list[Seen] = []

    def add(
        self,
        action: Action,
        *,
        method: str = ".*",
        path: str = "",
        job: str | None = None,
        nth: int = 1,
        times: int = 1,
    ) -> Rule:
        """`method` and `job` are patterns of the whole, `path` is one of a part. For Slow and FailJob only jobs that
        begin count, whatever the method and path."""
        rule = Rule(action, method, path, job, nth, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    @property
    def requests(self) -> tuple[Seen, ...]:
        """Every request until now, oldest first."""
        with self._lock:
            return tuple(self._requests)

    def counts(self) -> Mapping[str, int]:
        """How often each `METHOD /path` was asked, without what follows a `?`."""
        return Counter(f"{one.method} {one.path}" for one in self.requests)

    def meet(self, seen: Seen) -> Refuse | Drop | None:
        """The fault for this request, which is counted."""
        with self._lock:
            if len(self._requests) < MOST_REMEMBERED:
                self._requests.append(seen)
            for rule in self._rules:
                if isinstance(rule.action, Refuse | Drop) and rule.acts(seen.method, seen.path, seen.job):
                    return rule.action
        return None

    def begin(self, job: str) -> Slow | FailJob | None:
        """The fault for a job that begins."""
        with self._lock:
            for rule in self._rules:
                if isinstance(rule.action, Slow | FailJob) and rule.acts("POST", "/jobs", job):
                    return rule.action
        return None
