"""What does a service say while it works? A line per date and model, with the time; never data."""

from __future__ import annotations

from datetime import datetime

from augury.cli.narrator import log_line
from augury.cli.streams import Streams
from augury.cli.text import count
from augury.events import DateFinished, Event, ModelTrained, Noticed


class ServiceNarrator:
    """A listener of all runs of a service, from any of its threads."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def __call__(self, event: Event) -> None:
        if self._streams.as_logs:
            self._streams.log(log_line(event))
        elif not self._streams.quiet and (line := _line(event)):
            self._say(line)

    def tell(self, level: str, message: str) -> None:
        """Something about the service itself."""
        if self._streams.as_logs:
            # The keys of every other line, so that whoever reads them needs no exception.
            none = dict.fromkeys(("run_id", "pipeline", "date", "step"))
            self._streams.log({"level": level, **none, "message": message, "event": "service"})
        else:
            self._say(message if level == "info" else f"{level}: {message}")

    def _say(self, line: str) -> None:
        self._streams.note(f"{datetime.now().astimezone():%H:%M:%S}  {line}")


def _line(event: Event) -> str:
    match event:
        case DateFinished():
            figures = f"   {count(event.rows, 'row')}" if event.rows is not None else ""
            detail = f"   {event.detail}" if event.detail else ""
            word = "published" if event.status == "succeeded" else event.status
            return f"{event.pipeline} {event.run_date}  {word}{figures}{detail}"
        case ModelTrained():
            word = "trained" if event.passed else "not used"
            return f"{event.pipeline}@{event.model_version} {word} as of {event.tick}: {event.summary}"
        case Noticed() if "\n" not in event.message:
            return f"{event.pipeline}  note: {event.message}"
    return ""
