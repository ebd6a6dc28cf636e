"""What is told while a run works? Events become lines, lines of JSON, or a progress bar; never data.

Events arrive from several threads, so one lock keeps the figures and the lines whole.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from augury.cli.streams import Streams
from augury.cli.text import count, days, duration
from augury.events import (
    DateFinished,
    Event,
    ModelTrained,
    Noticed,
    RunFinished,
    RunStarted,
    StepFinished,
    TaskFinished,
)

if TYPE_CHECKING:
    from augury.cli.progress import Bar

Counting = Literal["steps", "dates"]
_BAD = ("failed", "blocked", "crashed", "refused", "locked")


class Narrator:
    """A listener of one command's runs."""

    def __init__(self, streams: Streams, verbosity: int = 0, *, counting: Counting = "steps") -> None:
        self.run_id: str | None = None
        """The run that began last."""
        self._streams, self._verbosity, self._counting = streams, verbosity, counting
        self._lock = Lock()
        self._bar: Bar | None = None
        self._dates: Counter[str] = Counter()
        self._to_build = 0

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, RunStarted):
                self.run_id = event.run_id
                self._to_build = len(event.to_build or event.dates)
                self._dates.clear()
            if isinstance(event, DateFinished):
                self._dates[event.status] += 1
            if self._streams.as_logs:
                self._streams.log(log_line(event))
            elif not self._streams.quiet:
                self._narrate(event)

    def close(self) -> None:
        """No more is told; whatever is drawn stays as it is."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _narrate(self, event: Event) -> None:
        if line := self._line(event):
            self._say(line)
        match event:
            case RunStarted():
                self._begin(event)
            case TaskFinished() if self._bar is not None and self._counting == "steps":
                self._bar.advance()
            case DateFinished() if self._bar is not None and self._counting == "dates":
                self._bar.advance(summary(self._dates))
            case RunFinished():
                self._stop()

    def _begin(self, event: RunStarted) -> None:
        if not self._streams.terminal:
            return
        from augury.cli.progress import Bar

        self._stop()
        label = event.pipeline if len(event.dates) != 1 else f"{event.pipeline} {event.dates[0]}"
        total = self._to_build if self._counting == "dates" else event.tasks
        unit = " dates" if self._counting == "dates" else ""
        self._bar = Bar(label, total, unit, self._streams)

    def _say(self, line: str) -> None:
        if self._bar is None:
            self._streams.note(line)
        else:
            self._bar.say(self._streams.mask(line))

    def _line(self, event: Event) -> str:
        """What is worth a line at this verbosity; empty for nothing."""
        match event:
            case RunStarted() if self._counting == "dates":
                return started(event)
            case Noticed() if "\n" not in event.message or self._verbosity >= 2:
                # What has several lines is a traceback, whose place is the log.
                return f"note: {_place(event)}{event.message}"
            case ModelTrained() if self._verbosity >= 1 or not event.passed:
                word = "trained" if event.passed else "not used"
                return f"{word} {event.pipeline}@{event.model_version} as of {event.tick}: {event.summary}"
            case DateFinished() if self._verbosity >= 1:
                figures = f"   {event.rows:,} rows" if event.rows is not None else ""
                return f"{event.pipeline} {event.run_date}  {event.status}{figures}{_after(event.detail)}"
            case StepFinished() if self._verbosity >= 1:
                rows = "" if event.rows is None else f"   {count(event.rows, 'row')}"
                return (
                    f"{event.pipeline} {event.run_date}  {event.step}  {event.status}{rows}   "
                    f"{duration(event.seconds)}{_after(event.detail)}"
                )
        return ""


def started(event: RunStarted) -> str:
    """`31 dates: 1998-01-01 to 1998-01-31 (end excluded), 30 to build, 1 up to date; 2 at a time`."""
    done = len(event.dates) - len(event.to_build or event.dates) - len(event.left)
    parts = [days(event.dates), f"{len(event.to_build or event.dates):,} to build"]
    if done:
        parts.append(f"{done:,} up to date")
    if event.left:
        parts.append(f"{len(event.left):,} left as they are")
    at_once = f"; {event.parallel} at a time" if event.parallel > 1 else ""
    return ", ".join(parts) + at_once


def summary(statuses: Counter[str] | dict[str, int], done: str = "published") -> str:
    """`30 published, 0 held, 0 failed` and whatever else there was, so that the counts add up."""
    rest = {status: number for status, number in statuses.items() if number}
    head = [
        f"{rest.pop('succeeded', 0):,} {done}",
        f"{rest.pop('held', 0):,} held",
        f"{rest.pop('failed', 0):,} failed",
    ]
    return ", ".join([*head, *(f"{number:,} {status}" for status, number in sorted(rest.items()))])


def log_line(event: Event) -> dict[str, Any]:
    """An event with the keys of a run's log: level, run_id, pipeline, date, step, message, extra."""
    fields = dict(vars(event))
    status = str(fields.get("status", ""))
    level = "error" if status in _BAD else "warning" if status == "held" or isinstance(event, Noticed) else "info"
    name = _NAMES[type(event)]
    line = {
        "level": level,
        "run_id": fields.pop("run_id"),
        "pipeline": fields.pop("pipeline"),
        "date": fields.pop("run_date", None),
        "step": fields.pop("step", None),
        "message": fields.pop("message", None) or fields.pop("summary", None) or f"{name} {status}".strip(),
    }
    return {**line, "event": name.replace(" ", "_"), "extra": fields}


_NAMES: dict[type[Any], str] = {
    RunStarted: "run started",
    StepFinished: "step finished",
    ModelTrained: "model trained",
    DateFinished: "date finished",
    TaskFinished: "task finished",
    Noticed: "noticed",
    RunFinished: "run finished",
}


def _place(event: Noticed) -> str:
    parts = [str(part) for part in (event.run_date, event.step) if part]
    return f"{event.pipeline} / {' / '.join(parts)}: " if parts else ""


def _after(detail: str) -> str:
    return f"   {detail}" if detail else ""
