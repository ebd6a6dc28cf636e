"""What can go wrong, who acts next, and with which exit code does a command end?

    AuguryError
    ├─ CannotStart           2  the person at the keyboard
    │  ├─ UsageError            a wrong argument, date or statement
    │  ├─ SpecError             YAML, SQL or hooks that cannot be used: every problem at once
    │  ├─ PluginError           an adapter that is not installed
    │  └─ NamespaceError        a target that points into somebody else's namespace
    ├─ WorkFailed            1  whoever owns the data, the SQL or the model
    │  ├─ QueryRefused          the engine did not run a query
    │  ├─ DataRefused           rows or columns that break a promise (keys, types, REQUIRED, drift)
    │  ├─ StorageFailed         a full disk, a read-only folder, a corrupted file
    │  ├─ Blocked               something that it needs of another pipeline is not there
    │  ├─ ModelFailed           training or scoring could not be done
    │  ├─ HookFailed            an exception in the project's hooks.py
    │  └─ NotifierFailed        a message that nobody took
    ├─ Held                  3  an expected no: a check or a gate
    ├─ LimitExceeded         4  a limit of the pipeline
    └─ Locked                5  another run owns the partition
       └─ Fenced                another run took over what this one held

Every error answers four questions as fields, so that the terminal, JSON and pages show the same facts:
what happened, where, why, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Any


class ExitCode(IntEnum):
    DONE = 0
    """Everything asked for is done, or there was nothing to do."""
    FAILED = 1
    """Some of the work failed; the rest is done and kept."""
    CANNOT_START = 2
    """Nothing was tried: usage, specification, plug-in or namespace."""
    HELD = 3
    """A check or a gate said no; the last good partition stays published."""
    REFUSED = 4
    """A limit of the pipeline was reached before publishing."""
    LOCKED = 5
    """Another run owns the partition."""


def first_that_applies(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code of a command whose outcomes mix: the first of 1, 4, 3 that applies, then 5, then 0."""
    seen = set(codes)
    order = (ExitCode.CANNOT_START, ExitCode.FAILED, ExitCode.REFUSED, ExitCode.HELD, ExitCode.LOCKED)
    return next((code for code in order if code in seen), ExitCode.DONE)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known spelling closest to `word`, or None where nothing is close."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


@dataclass(frozen=True)
class Place:
    """Where something happened; whatever is unknown is None."""

    pipeline: str | None = None
    date: str | None = None
    step: str | None = None
    file: str | None = None
    line: int | None = None
    """1-based."""

    def __str__(self) -> str:
        return " / ".join(part for part in (self.pipeline, self.date, self.step) if part)

    @property
    def source(self) -> str:
        """`file:line`, `file`, or nothing."""
        if self.file is None:
            return ""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def within(self, outer: Place) -> Place:
        """This place, with what it does not know taken from `outer`."""
        known = {name: value for name, value in vars(self).items() if value is not None}
        return replace(outer, **known)


@dataclass(frozen=True)
class Problem:
    """One thing wrong in one file; a SpecError holds all of them."""

    message: str
    file: str | None = None
    line: int | None = None
    key: str | None = None
    """Dotted path of the YAML key, e.g. `model.options.learn_rate`."""
    suggestion: str | None = None
    """The nearest known spelling, or what to write instead."""

    def __str__(self) -> str:
        place = Place(file=self.file, line=self.line).source
        key = f"{self.key}: " if self.key else ""
        hint = f"   did you mean {self.suggestion!r}?" if self.suggestion else ""
        return f"{place + '  ' if place else ''}{key}{self.message}{hint}"


class AuguryError(Exception):
    """Base of every error that augury raises on purpose."""

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(
        self, what: str, *, where: Place | None = None, why: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        """One sentence: what happened."""
        self.where = where or Place()
        self.why = why
        """The cause in the words of whoever found it, e.g. the engine's message."""
        self.fix = fix
        """What to do next, ideally a command."""

    def at(self, outer: Place) -> AuguryError:
        """The same error with its place completed from `outer`; for re-raising on the way up."""
        self.where = self.where.within(outer)
        return self

    def lines(self) -> list[str]:
        """The message as people read it: one headline, then indented details."""
        place = str(self.where)
        out = [f"{place}: {self.what}" if place else self.what]
        source = self.where.source
        if source or self.why:
            out.append("  " + "   ".join(part for part in (source, self.why) if part))
        if self.fix:
            out.append(f"  {self.fix}")
        return out

    def as_dict(self) -> dict[str, Any]:
        """The same facts for `--output json`."""
        place = {name: value for name, value in vars(self.where).items() if value is not None}
        return {
            "code": type(self).__name__,
            "exit_code": int(self.exit_code),
            "what": self.what,
            "where": place,
            "why": self.why,
            "fix": self.fix,
        }

    def __str__(self) -> str:
        return "\n".join(self.lines())


class CannotStart(AuguryError):
    """Nothing was tried."""

    exit_code = ExitCode.CANNOT_START


class UsageError(CannotStart):
    """A wrong argument, date or statement."""


class SpecError(CannotStart):
    """YAML, SQL or hooks that cannot be used; holds every problem found, not only the first."""

    def __init__(self, problems: Sequence[Problem], *, what: str | None = None) -> None:
        count = len(problems)
        super().__init__(what or f"{count} problem{'s' if count != 1 else ''} in the project")
        self.problems = tuple(problems)

    def lines(self) -> list[str]:
        return [self.what, *(f"  {problem}" for problem in self.problems)]

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "problems": [vars(problem) for problem in self.problems]}


class PluginError(CannotStart):
    """An adapter that is not installed, or whose library is missing."""


class NamespaceError(CannotStart):
    """A target whose folder or dataset belongs to another target, project or deployment."""


class WorkFailed(AuguryError):
    """Some work was tried and failed."""

    exit_code = ExitCode.FAILED


class QueryRefused(WorkFailed):
    """The engine did not run a query."""


class DataRefused(WorkFailed):
    """Rows or columns that break a promise: keys, declared types, REQUIRED, schema drift."""


class StorageFailed(WorkFailed):
    """A full disk, a read-only folder, a corrupted or missing file."""


class Blocked(WorkFailed):
    """Something that it needs of another pipeline is not there; names what, and the command that builds it."""

    def __init__(
        self,
        what: str,
        *,
        needs: Sequence[Any] = (),
        where: Place | None = None,
        why: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what, where=where, why=why, fix=fix)
        self.needs = tuple(needs)
        """`augury.plan.steps.External`: the partitions that are waited for."""

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "needs": [vars(need) for need in self.needs]}


class ModelFailed(WorkFailed):
    """Training or scoring could not be done."""


class HookFailed(WorkFailed):
    """An exception in the project's hooks.py; names the hook."""


class NotifierFailed(WorkFailed):
    """A message that a mail server, a webhook or another notifier did not take."""


class Held(AuguryError):
    """An expected no: a check or a gate kept something from being published or promoted."""

    exit_code = ExitCode.HELD


class LimitExceeded(AuguryError):
    """A limit of the pipeline was reached; nothing was published."""

    exit_code = ExitCode.REFUSED


@dataclass(frozen=True)
class Owner:
    """Who holds a lock."""

    host: str
    pid: int
    since: str
    """ISO time, UTC."""
    run_id: str | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        run = f", run {self.run_id}" if self.run_id else ""
        return f"{self.host}, pid {self.pid}, since {self.since}{run}"


class Locked(AuguryError):
    """Another run owns the partition."""

    exit_code = ExitCode.LOCKED

    def __init__(self, what: str, owner: Owner | None, *, where: Place | None = None) -> None:
        held = f"held by {owner}" if owner else "held by another process"
        super().__init__(what, where=where, why=held, fix="Wait for it, or add --wait to start when it is released.")
        self.owner = owner


class Fenced(Locked):
    """Another run took over what this one held: it was stopped, or cut off, for longer than its lease."""

    def __init__(self, what: str, *, where: Place | None = None, why: str | None = None) -> None:
        super().__init__(what, None, where=where)
        self.why = why or "it was stopped, or cut off from the ledger, for longer than its lease"
        self.fix = "Nothing that it did since is published or recorded. Run the same command again."


def relative(path: Path, root: Path) -> str:
    """`path` as people type it: relative to the project where it lies inside it."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
