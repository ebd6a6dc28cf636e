"""What came of a statement about a model?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from augury.bigquery_ml.manifest import Name


@dataclass(frozen=True)
class ModelChange:
    did: Literal["created", "replaced", "kept", "dropped", "absent", "altered", "exported"]
    """`kept`: IF NOT EXISTS found one; `absent`: IF EXISTS found none."""
    name: Name
    model_type: str = ""
    rows: int = 0
    """That the model was trained on."""
    files: tuple[str, ...] = ()
    """That EXPORT MODEL wrote."""

    def __str__(self) -> str:
        return f"{self.did} {'.'.join(self.name)}"
