"""What the doctor says, and where to harm a patient."""

from __future__ import annotations

import json
from pathlib import Path

from augury.operations.doctor import Finding
from tests.projects import Shop


def doctor(shop: Shop, *, fix: bool = False) -> tuple[Finding, ...]:
    with shop.open() as project:
        return project.doctor(fix=fix)


def the(findings: tuple[Finding, ...], about: str) -> Finding:
    (found,) = [finding for finding in findings if about in finding.problem]
    return found


def home(shop: Shop) -> Path:
    return shop.root / ".augury" / "dev"


def live_file(shop: Shop, table: str, when: str) -> Path:
    folder = home(shop) / table / f"run_date={when}"
    return folder / str(json.loads((folder / "live.json").read_text("utf-8"))["file"])
