"""What did a run say while it worked? One JSON object per line, in one file per run.

A line is one append of a few hundred bytes, handed to the operating system at once and never synced: it
survives the death of the process and costs about 0.02 ms. A log that cannot be written never stops a run.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

SUFFIX = ".ndjson"
LEVELS = ("debug", "info", "warning", "error")
"""In rising order."""

_ESCAPE_CODE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


@dataclass(frozen=True)
class LogContext:
    """What the lines of this thread are about; None where that is the whole run."""

    run_id: str | None = None
    pipeline: str | None = None
    version: str | None = None
    date: str | None = None
    step: str | None = None


_WHOLE_RUN = LogContext()
_context: ContextVar[LogContext] = ContextVar("augury_log_context", default=_WHOLE_RUN)


def current_context() -> LogContext:
    return _context.get()


@contextmanager
def log_context(
    *,
    run_id: str | None = None,
    pipeline: str | None = None,
    version: str | None = None,
    date: date | str | None = None,
    step: str | None = None,
) -> Iterator[None]:
    """Lines written inside, by whatever code, carry these values; what is not given stays as it is outside.

    A new thread begins without context: enter it there.
    """
    given = {"run_id": run_id, "pipeline": pipeline, "version": version, "step": step}
    known = {name: value for name, value in given.items() if value is not None}
    if date is not None:
        known["date"] = str(date)
    token = _context.set(replace(_context.get(), **known))
    try:
        yield
    finally:
        _context.reset(token)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RunLog:
    """The log of one run, shared by its threads. A resumed run goes on in the same file."""

    def __init__(
        self,
        folder: Path,
        run_id: str,
        *,
        pipeline: str | None = None,
        version: str | None = None,
        mask: Callable[[str], str] = str,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """`mask` is called on every string before it is written, keys of extras included."""
        self.path = folder / f"{run_id}{SUFFIX}"
        self.lost = 0
        """Lines that could not be written."""
        self.about = LogContext(run_id=run_id, pipeline=pipeline, version=version)
        self._mask, self._now = mask, now
        self._descriptor: int | None = None
        self._torn = False
        self._writing = Lock()

    def write(
        self,
        level: str,
        message: str,
        *,
        date: date | str | None = None,
        step: str | None = None,
        **extra: Any,
    ) -> None:
        """Append a line. `extra` holds further figures; objects without a JSON form appear as text.

        What is not said here is taken from `log_context`, then from the run.
        """
        about, run = current_context(), self.about
        line: dict[str, Any] = {
            "time": self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "run_id": run.run_id,
            "pipeline": about.pipeline or run.pipeline,
            "version": about.version or run.version,
            "date": about.date if date is None else str(date),
            "step": step or about.step,
            "message": message,
        }
        if extra:
            line["extra"] = extra
        masked = {name: _plain(value, self._mask) for name, value in line.items()}
        text = json.dumps(masked, ensure_ascii=False, allow_nan=False)
        # A lone surrogate (an undecodable file name) is written as its escape, which is JSON too.
        self._append(text.encode("utf-8", "backslashreplace") + b"\n")

    def close(self) -> None:
        with self._writing:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _append(self, line: bytes) -> None:
        with self._writing:
            try:
                if self._descriptor is None:
                    self._open()
                assert self._descriptor is not None
                line = b"\n" + line if self._torn else line
                self._torn = True
                self._torn = os.write(self._descriptor, line) < len(line)
                self.lost += self._torn
            except OSError:
                self.lost += 1

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o644)
        size = os.fstat(self._descriptor).st_size
        # A process that died while it wrote leaves half a line: the next one begins below it.
        self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _plain(value: Any, mask: Callable[[str], str]) -> Any:
    """`value` as JSON can hold it, its strings masked and without escape codes."""
    if isinstance(value, str):
        return mask(_ESCAPE_CODE.sub("", value) if "\x1b" in value else value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {_plain(str(key), mask): _plain(item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, mask) for item in value]
    return _plain(str(value), mask)


def read_logs(
    folder: Path,
    *,
    run_ids: Collection[str] | None = None,
    date: date | str | None = None,
    pipeline: str | None = None,
    level: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Lines of the runs in `folder`, run by run in the order in which they started.

    `level` is the lowest one wanted. Lines that were torn by a crash are skipped; an absent folder has no
    lines. Name `run_ids` where they are known: only their files are opened then.
    """
    names = sorted(run_ids) if run_ids is not None else _run_ids(folder)
    wanted = {name: str(value) for name, value in (("date", date), ("pipeline", pipeline)) if value is not None}
    # Most lines are told apart by their bytes, without parsing them.
    needles = [json.dumps(value, ensure_ascii=False).encode() for value in wanted.values()]
    levels = LEVELS[LEVELS.index(level) :] if level else LEVELS
    for name in names:
        for raw in _lines(folder / f"{name}{SUFFIX}"):
            if all(needle in raw for needle in needles):
                line = _parsed(raw)
                if line and line.get("level") in levels and wanted.items() <= line.items():
                    yield line


def _run_ids(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(entry.name.removesuffix(SUFFIX) for entry in folder.iterdir() if entry.name.endswith(SUFFIX))


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        return


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
