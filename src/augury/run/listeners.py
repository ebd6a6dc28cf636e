"""What does the run's log file hear? Every event, as one line with its date and step."""

from __future__ import annotations

from augury.events import (
    DateFinished,
    Event,
    Listener,
    ModelTrained,
    Noticed,
    RunFinished,
    RunStarted,
    StepFinished,
    TaskFinished,
)
from augury.run.logs import RunLog


def log_listener(log: RunLog) -> Listener:
    """A listener that writes events into the log of a run."""

    def listen(event: Event) -> None:
        match event:
            case RunStarted():
                days = f"{event.dates[0]} to {event.dates[-1]}" if event.dates else "no dates"
                log.write("info", f"started: {event.command}", dates=days, tasks=event.tasks)
            case StepFinished():
                level = "info" if event.status == "succeeded" or event.status.startswith("skip") else "error"
                log.write(
                    level,
                    " ".join(part for part in (f"{event.step} {event.status}", event.detail) if part),
                    date=event.run_date,
                    step=event.step,
                    rows=event.rows,
                    seconds=round(event.seconds, 4),
                )
            case ModelTrained():
                verdict = "passed" if event.passed else "did not pass"
                log.write(
                    "info",
                    f"model {event.model_version} of tick {event.tick} {verdict}: {event.summary}",
                    date=event.tick,
                    step="train",
                )
            case DateFinished():
                log.write(
                    "info" if event.status == "succeeded" or event.status.startswith("skip") else "error",
                    " ".join(part for part in (event.status, event.detail) if part),
                    date=event.run_date,
                    rows=event.rows,
                )
            case Noticed():
                log.write("warning", event.message, date=event.run_date, step=event.step)
            case RunFinished():
                log.write("info", f"finished: {event.status}", seconds=round(event.seconds, 3), dates=event.counts)
            case TaskFinished():
                pass

    return listen
