"""What does the service ask of whoever tells people? To deliver one message, or to say that it could not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, SecretStr

from augury.spec.notifiers import Occasion


@dataclass(frozen=True)
class Message:
    """What people are told about one incident. Its texts hold no secrets and no data."""

    id: str
    """The same however often the message is sent, so that whoever gets it twice can see it."""
    kind: Occasion
    project: str
    target: str
    pipeline: str
    version: str
    title: str
    """One line: what happened to what."""
    text: str
    """Why, and what to do; several lines."""
    dates: tuple[str, ...]
    """Run dates, or tasks such as `train 2026-01-01`, in order."""
    at: datetime
    """When it was decided to tell."""
    run_id: str | None = None
    """The run that the first of them ended in."""
    reminder: bool = False
    """The incident was told before, and has grown since."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**found, "dates": list(self.dates), "at": self.at.astimezone(UTC).isoformat(timespec="seconds")}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Message:
        return cls(**{**found, "dates": tuple(found["dates"]), "at": datetime.fromisoformat(found["at"])})


@runtime_checkable
class Notifier(Protocol):
    """A way to people. One instance may be used by several threads, one after the other."""

    Options: ClassVar[type[BaseModel]]
    """The keys of its own beside `type`, `on` and `targets`. A `SecretStr` is shown nowhere."""

    def __init__(self, options: Any) -> None:
        """`options` is an instance of `Options`. Opens nothing."""

    def send(self, message: Message) -> None:
        """Deliver a message, within the time-out of the options.

        Raises NotifierFailed where it was not taken, without a secret in its words.
        """


def revealed(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def one_line(words: Sequence[str]) -> str:
    return " ".join(" ".join(words).split())
