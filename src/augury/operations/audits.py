"""What does a trained model say of itself, for people who ask in SQL?

As JSON, because models of different types say different things: the options or the statement that it was trained with,
how training went, its features, weights and importances.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from augury.errors import ModelFailed
from augury.ledger.records import ModelRecord
from augury.run.models import AUDIT
from augury.spec.pipeline import IN_SQL

AUDITED = (
    "options",
    "statement",
    "training_info",
    "trial_info",
    "feature_info",
    "weights",
    "feature_importance",
    "evaluate",
)


def audit_of(models: Path, record: ModelRecord) -> dict[str, str | None] | None:
    """None for a model without files: one that was not trained, or whose files are gone."""
    if not record.folder:
        return None
    found = (_said if record.type == IN_SQL else _of_card)(str(models / record.folder), record.sha256)
    return {part: found.get(part) for part in AUDITED} if found else None


@lru_cache(maxsize=4096)
def _said(folder: str, sha256: str) -> dict[str, str]:
    """Of a model in SQL. The digest is part of the key: what is trained never changes."""
    try:
        found: dict[str, Any] = json.loads((Path(folder) / AUDIT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {part: value if part == "statement" else json.dumps(value, default=str) for part, value in found.items()}


@lru_cache(maxsize=4096)
def _of_card(folder: str, sha256: str) -> dict[str, str]:
    """Of a model that augury trained or was given as a file."""
    from augury.models.model_card import read_card

    try:
        card = read_card(Path(folder))
    except ModelFailed:
        return {}
    features = [
        {"input": feature.name, "type": feature.type, "levels": len(feature.levels)} for feature in card.features
    ]
    importances = [{"feature": name, "importance": weight} for name, weight in card.importances]
    metrics = {name: asdict(metric) for name, metric in card.metrics.items()}
    return {
        "options": json.dumps(card.options, default=str),
        "feature_info": json.dumps(features),
        "feature_importance": json.dumps(importances),
        "evaluate": json.dumps(metrics),
    }
