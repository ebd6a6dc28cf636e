"""In which words does the queue remember how a task ended?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augury.ledger.records import Status
from augury.run.progress import Ended


def facts_of(ended: Ended, **more: Any) -> dict[str, Any]:
    """As JSON can hold it."""
    missing = dict(ended.missing) if ended.missing is not None else None
    return {"status": ended.status.value, "detail": ended.detail, "missing": missing, **more}


def ended_of(facts: Mapping[str, Any]) -> Ended:
    return Ended(Status(facts["status"]), str(facts.get("detail", "")), facts.get("missing"))
