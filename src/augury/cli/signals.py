"""What happens on Ctrl-C, and on the SIGTERM of schedulers and containers? The same: what is in work is stopped.

Python's own handlers run when the main thread comes back from the engine, which in the middle of a long query may be
never. A thread of ours hears of the signal at once and interrupts the query; the exception follows by itself.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Signals:
    """The signals of one command."""

    def __init__(self) -> None:
        self.received: int = signal.SIGINT
        """The number of the signal that ended the command, if one did."""
        self._stop: list[Callable[[], None]] = []

    def on_stop(self, stop: Callable[[], None]) -> None:
        """`stop` is called from another thread, and makes what is in work raise KeyboardInterrupt."""
        self._stop.append(stop)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Inside, a signal stops what is in work and raises KeyboardInterrupt in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        terminate = signal.signal(signal.SIGTERM, _raise)
        listener = threading.Thread(target=self._listen, args=(reading,), name="augury-signals", daemon=True)
        listener.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            signal.signal(signal.SIGTERM, terminate or signal.SIG_DFL)
            os.close(writing)
            listener.join()
            os.close(reading)

    @contextmanager
    def gently(self, stop: threading.Event) -> Iterator[None]:
        """Inside, the first signal only sets `stop`; the second one ends what is in work as everywhere else."""

        def ask(number: int, frame: Any) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            stop.set()

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _listen(self, descriptor: int) -> None:
        while number := os.read(descriptor, 1):
            if number[0] not in (signal.SIGINT, signal.SIGTERM):
                continue
            self.received = number[0]
            for stop in self._stop:
                with suppress(Exception):  # what was closed meanwhile needs no stopping
                    stop()


def _raise(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
