"""What can a query read? The relation functions of the templates, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Rows of a declared source before the cutoff."""

    name: str


@dataclass(frozen=True)
class Window:
    """Rows of a source that are new for this run date: from the previous cutoff to this one."""

    name: str


@dataclass(frozen=True)
class Outcome:
    """Rows of a source over the horizon after the cutoff; in label only."""

    name: str


@dataclass(frozen=True)
class Ref:
    """This date's partition of an earlier step."""

    step: str


@dataclass(frozen=True)
class History:
    """Partitions of a step for the run dates in [D - days, D)."""

    step: str
    days: int


@dataclass(frozen=True)
class OtherRef:
    """This date's partition of a step of another pipeline."""

    pipeline: str
    version: str
    """Empty for the version that consumers see."""
    step: str
    """`publish` for what it published."""

    @property
    def name(self) -> str:
        """As people write it: `scores.predictions`, `scores.v2.prepare`."""
        return other_name(self.pipeline, self.version, self.step)


@dataclass(frozen=True)
class OtherHistory:
    """Partitions of a step of another pipeline, for its run dates in [D - days, D)."""

    pipeline: str
    version: str
    """Empty for the version that consumers see."""
    step: str
    """`publish` for what it published."""
    days: int

    @property
    def name(self) -> str:
        """As people write it: `scores.predictions`, `scores.v2.prepare`."""
        return other_name(self.pipeline, self.version, self.step)


@dataclass(frozen=True)
class Reference:
    """A CSV of reference/, in the version that belongs to the model in use."""

    name: str


@dataclass(frozen=True)
class Staging:
    """This date's candidate predictions; in validation only."""


@dataclass(frozen=True)
class Published:
    """The latest published partition before this date, or the candidate itself; in validation only."""


OfAnother = OtherRef | OtherHistory
"""What a query reads of other pipelines."""
Relation = Source | Window | Outcome | Ref | History | OfAnother | Reference | Staging | Published


def other_name(pipeline: str, version: str, step: str) -> str:
    """How SQL names a step of another pipeline; `version` is empty for the one that consumers see."""
    return ".".join(part for part in (pipeline, version, "predictions" if step == "publish" else step) if part)
