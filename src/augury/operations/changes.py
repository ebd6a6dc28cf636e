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
