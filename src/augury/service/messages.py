"""In which words are people told of an incident? A title that says it all, the reason, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from augury.notifiers.contract import Message, one_line
from augury.service.incidents import OVERDUE, Told

LONGEST = 1500
"""Characters of a reason."""
SHOWN = 10
"""Dates that are named one by one."""


@dataclass(frozen=True)
class Words:
    """What messages of one project on one target share."""

    project: str
    target: str
    is_default: bool
    """Commands act on this target without --target."""
    mask: Callable[[str], str]

    def message(self, told: Told, tick: datetime | None, now: datetime) -> Message:
        """`tick` is when the first date was due, in the zone of its schedule, where that is the point."""
        incident = told.incident
        name = incident.pipeline if incident.version == "v1" else f"{incident.pipeline} {incident.version}"
        what = _what(told.subjects)
        recovered = told.kind == "recovered"
        title = f"{name} {'recovered' if recovered else 'still ' * told.reminder + told.kind}: {what}"
        lines = self._recovered(told) if recovered else self._wrong(told, tick)
        moment = "recovered" if recovered else f"{told.kind}-{incident.revision}"
        return Message(
            id=f"{incident.name}/{moment}",
            kind=told.kind,
            project=self.project,
            target=self.target,
            pipeline=incident.pipeline,
            version=incident.version,
            title=self._shown(title),
            text="\n".join(map(self._shown, lines)),
            dates=told.subjects,
            at=now,
            run_id=incident.run_id,
            reminder=told.reminder,
        )

    def _shown(self, line: str) -> str:
        """Without secrets, and without control characters, which come with the words of engines and hooks."""
        return "".join(character if character.isprintable() else " " for character in self.mask(line))

    def _wrong(self, told: Told, tick: datetime | None) -> list[str]:
        incident = told.incident
        lines = []
        if incident.detail:
            first = f"{told.subjects[0]}: " if len(told.subjects) > 1 else ""
            lines.append(first + one_line([incident.detail])[:LONGEST])
        if tick is not None:
            universal = "" if tick.tzname() == "UTC" else f" ({tick.astimezone(UTC):%H:%M} UTC)"
            lines.append(f"{told.subjects[0]} was due {tick:%Y-%m-%d %H:%M %Z}{universal} and is not published.")
        if 1 < len(told.subjects) <= SHOWN:
            lines.append(f"Dates: {', '.join(told.subjects)}")
        if incident.run_id:
            lines.append(f"Why: {self._command('logs', '--run', incident.run_id)}")
        lines.append(f"Then: {self._mend(told)}")
        return lines

    def _mend(self, told: Told) -> str:
        incident = told.incident
        version = () if incident.version == "v1" else ("--version", incident.version)
        days = [date.fromisoformat(each) for each in told.subjects if not each.startswith("train ")]
        if told.kind == OVERDUE:
            return f"{self._command('status', incident.pipeline)}, and {self._command('doctor')}"
        if not days:
            return self._command("retry", "--failed")
        if told.kind == "held":
            retry = self._command("retry", incident.pipeline, *version)
            accept = self._command("run", incident.pipeline, "--date", str(days[0]), *version, "--accept", "CHECK")
            return f"correct it, and {retry}; or publish it as it is: {accept}"
        end = str(max(days) + timedelta(days=1))
        span = ("--start", str(min(days)), "--end", end)
        return self._command("backfill", incident.pipeline, *span, *version)

    def _recovered(self, told: Told) -> list[str]:
        incident = told.incident
        others = len(incident.subjects) - len(told.subjects)
        lines = [
            f"What was {incident.family} since {incident.opened_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC is well again."
        ]
        if others:
            lines.append(f"{others} more of that incident failed otherwise, were cancelled or forgotten.")
        return lines

    def _command(self, *words: str) -> str:
        return " ".join(("augury", *words, *(() if self.is_default else ("--target", self.target))))


def _what(subjects: Sequence[str]) -> str:
    if len(subjects) == 1:
        return subjects[0]
    kind = "tasks" if any(each.startswith("train ") for each in subjects) else "dates"
    return f"{len(subjects)} {kind}, {subjects[0]} to {subjects[-1]}"
