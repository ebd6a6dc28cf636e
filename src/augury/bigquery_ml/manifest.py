"""What is written down about a trained model?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from augury.errors import StorageFailed

FORMAT = 1
Name = tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    name: Name
    model_type: str
    version: str
    """The folder of the artifact."""
    created: str
    """ISO time, UTC."""
    modified: str
    features: tuple[tuple[str, str], ...]
    """(name, BigQuery type) of what a prediction needs in its rows: before TRANSFORM."""
    labels: tuple[tuple[str, str], ...]
    options: Mapping[str, Any]
    """As they were written, for showing."""
    feature_info: tuple[Mapping[str, Any], ...]
    """The rows of ML.FEATURE_INFO."""
    files: Mapping[str, str]
    """Path below the artifact's folder to SHA-256."""
    transform: Mapping[str, Any] | None = None
    """A TRANSFORM clause with what it learned."""
    description: str | None = None
    friendly_name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """The option `labels`."""
    expires: str | None = None
    """ISO time, UTC."""
    format: int = FORMAT

    def expired(self, now: datetime) -> bool:
        return self.expires is not None and datetime.fromisoformat(self.expires) <= now

    def changed(self, **values: Any) -> Manifest:
        return replace(self, **values)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, place: str) -> Manifest:
        """Raises StorageFailed."""
        try:
            found = json.loads(text)
            if found["format"] != FORMAT:
                raise StorageFailed(
                    f"{place} has format {found['format']}, and this augury reads {FORMAT}",
                    fix="Train the model again, or use the augury that wrote it.",
                )
            values = {key.name: found[key.name] for key in fields(cls)}
            for key in ("features", "labels"):
                values[key] = tuple((str(name), str(kind)) for name, kind in values[key])
            return cls(**{**values, "name": tuple(values["name"]), "feature_info": tuple(values["feature_info"])})
        except (ValueError, KeyError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise StorageFailed(f"{place} is damaged", why=why, fix="Train the model again.") from error
