"""How do hooks and libraries speak? Through Python's own `logging` into the run's log, and what they print is told."""

from __future__ import annotations

import io
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from threading import Lock, local
from typing import Any, TextIO

from augury.run.logs import RunLog, current_context


class LogBridge(logging.Handler):
    """Writes `logging` records into the log of one run, unless they belong to another run's context."""

    def __init__(self, log: RunLog, level: int = logging.INFO) -> None:
        super().__init__(level)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        if (of := current_context().run_id) is not None and of != self._log.about.run_id:
            return
        try:
            self._log.write(_level_of(record.levelno), record.getMessage(), **_extra(record))
        except Exception:  # noqa: BLE001  a library's bad format string is not our failure
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        self._log.lost += 1


@contextmanager
def capture_logging(log: RunLog, level: int = logging.INFO) -> Iterator[None]:
    """Inside, records of at least `level` by whatever code of this process are written into `log`."""
    root, bridge = logging.getLogger(), LogBridge(log, level)
    with _lowered(root, level):
        root.addHandler(bridge)
        try:
            yield
        finally:
            root.removeHandler(bridge)


class Printed(io.TextIOBase):
    """Stands in for stdout, which carries the answer of a command; hands over whole lines, each thread its own."""

    def __init__(self, tell: Callable[[str], None], beneath: TextIO) -> None:
        """What is printed while `tell` is told, by a listener that prints, goes to `beneath`."""
        self._tell = tell
        self._beneath = beneath
        self._of_thread = local()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if getattr(self._of_thread, "telling", False):
            return self._beneath.write(text)
        *lines, rest = (getattr(self._of_thread, "rest", "") + text).split("\n")
        self._of_thread.rest = rest
        self._of_thread.telling = True
        try:
            for line in lines:
                self._tell(line)
        finally:
            self._of_thread.telling = False
        return len(text)


@contextmanager
def capture_printing(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside, `tell` gets every line that whatever code of this process prints."""
    with redirect_stdout(Printed(tell, sys.stdout)):
        yield


_changing = Lock()
_wanted: list[int] = []
_before: list[int] = []
"""The root logger's own level while at least one run captures: several may, and end in any order."""


@contextmanager
def _lowered(root: logging.Logger, level: int) -> Iterator[None]:
    with _changing:
        if not _wanted:
            _before[:] = [root.level]
        _wanted.append(level)
        root.setLevel(min(_before + _wanted))
    try:
        yield
    finally:
        with _changing:
            _wanted.remove(level)
            root.setLevel(min(_before + _wanted))


def _level_of(number: int) -> str:
    for level, least in (("error", logging.ERROR), ("warning", logging.WARNING), ("info", logging.INFO)):
        if number >= least:
            return level
    return "debug"


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    extra: dict[str, Any] = {"logger": record.name}
    if record.exc_info and record.exc_info[0]:
        extra["exception"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return extra
