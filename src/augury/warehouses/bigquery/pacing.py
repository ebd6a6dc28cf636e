"""When may the next change of a table be sent, so that its quota is not used up?

BigQuery docs, 'Quotas and limits': a standard table may be written by 5 jobs in 10 seconds, and 50 partitions of a
partitioned table may be changed in 10 seconds. A backfill of hundreds of dates would meet these limits and be refused
with rateLimitExceeded; waiting here costs less than backing off there.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW = 10.0
PARTITIONS = 50
TABLE = 5
INSERTS = 25
"""DML INSERT statements into one table."""


class Pace:
    """Lets through as many changes of each table as its quota allows. Safe to use from several threads."""

    def __init__(
        self,
        *,
        window: float = WINDOW,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._window = window
        self._now = now
        self._wait = wait
        self._sent: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def pass_through(self, table: str, most: int) -> None:
        """Return when one more change of `table` may be sent; `most` are allowed within the window."""
        while (pause := self._take(table, most)) > 0:
            self._wait(pause)

    def _take(self, table: str, most: int) -> float:
        """0 with a turn taken, or how long to wait before asking again."""
        with self._lock:
            sent = self._sent.setdefault(table, deque())
            now = self._now()
            while sent and sent[0] <= now - self._window:
                sent.popleft()
            if len(sent) < most:
                sent.append(now)
                return 0.0
            return sent[0] + self._window - now
