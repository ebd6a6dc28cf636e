"""What did, or would, housekeeping change? One value per table or version."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    verb: str
    """`copy`, `remove` or `forget`."""
    subject: str
    """A table, or a pipeline with its version."""
    detail: str
    """How much of it, with the dates."""


def counted(number: int, noun: str) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
