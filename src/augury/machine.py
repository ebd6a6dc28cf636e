"""How many cores and how much memory may this process use? Less than the machine has, where it is pinned to some of its
cores or its container is limited."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/")
"""The folder in which `/proc` and `/sys` lie."""


def cores(root: Path = ROOT) -> int:
    """At least 1."""
    found = [_allowed()]
    for folder, controller in _groups(root, "cpu"):
        with suppress(OSError, ValueError):
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us") if controller else ("cpu.max",)
            quota, period = " ".join((folder / name).read_text("utf-8") for name in names).split()
            # `max` and -1 are no limit.
            found += [math.ceil(int(quota) / int(period))] if int(quota) > 0 else []
    return max(1, min(found))


def memory(root: Path = ROOT) -> int:
    """Bytes."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for folder, controller in _groups(root, "memory"):
        with suppress(OSError, ValueError):
            found.append(int((folder / ("memory.limit_in_bytes" if controller else "memory.max")).read_text("utf-8")))
    return min(found)


def _allowed() -> int:
    """The cores that the scheduler may choose from, as os.process_cpu_count says from Python 3.13 on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(root: Path, wanted: str) -> Iterator[tuple[Path, str]]:
    """Folders of the control groups that limit this process in `wanted`, and their controllers, empty in version 2."""
    top = root / "sys/fs/cgroup"
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text("utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and wanted not in controllers.split(","):
                continue
            base = top / wanted if controllers else top
            # A limit of a parent holds for its children. In a container the path may be one of its host's: then only
            # the top folder is there, and it is the container's.
            own = Path(path.lstrip("/"))
            yield from ((base / folder, controllers) for folder in (own, *own.parents))
