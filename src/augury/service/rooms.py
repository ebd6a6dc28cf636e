"""How many more tasks may one queue let go now, and when more? A queue is what one entry of `throttle` speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from augury.spec.service import Throttle


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
