"""How much memory did this process take at most, in all and during one step?

The kernel keeps one peak per process. It is set back when a step is measured, after what it said until then was added
to the peak of the process and to every measurement under way, so that steps of several dates are measured side by
side. Where it cannot be set back (not Linux), a step that stays below what was used before it counts as nothing: it is
never refused for the memory of others.
"""

from __future__ import annotations

import re
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_HIGHEST = re.compile(rb"^VmHWM:\s*(\d+) kB", re.M)
_SET_BACK = "5"
"""What clear_refs takes for: forget the peak. Costs 50 us, and touches no page."""


@dataclass(eq=False)
class Measured:
    """Peak memory of the process while something went on."""

    peak: int = 0
    """Bytes; final when it is over."""
    above: int = 0
    """Peaks up to here are older than the measurement."""


class _Peaks:
    def __init__(self) -> None:
        self.lock = Lock()
        self.highest = 0
        self.open: list[Measured] = []

    def note(self) -> None:
        peak = _peak_of_kernel()
        self.highest = max(self.highest, peak)
        for each in self.open:
            if peak > each.above:
                each.peak = max(each.peak, peak)


_PEAKS = _Peaks()


def peak_memory() -> int:
    """Peak resident memory of this process in bytes."""
    with _PEAKS.lock:
        _PEAKS.note()
        return _PEAKS.highest


@contextmanager
def measured(wanted: bool = True) -> Iterator[Measured]:
    """The peak of what happens inside; 0 where it is not wanted."""
    found = Measured()
    if not wanted:
        yield found
        return
    with _PEAKS.lock:
        _PEAKS.note()
        found.above = 0 if _set_back() else _PEAKS.highest
        _PEAKS.open.append(found)
    try:
        yield found
    finally:
        with _PEAKS.lock:
            _PEAKS.note()
            _PEAKS.open.remove(found)


def _peak_of_kernel() -> int:
    """Since the process began, or since the peak was set back."""
    try:
        # Not ru_maxrss: a process that a large one started begins with the peak of that one.
        if found := _HIGHEST.search(_STATUS.read_bytes()):
            return int(found[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux reports kilobytes, macOS bytes.
    return peak if sys.platform == "darwin" else peak * 1024


def _set_back() -> bool:
    try:
        _CLEAR.write_text(_SET_BACK)
    except OSError:
        return False
    return True
