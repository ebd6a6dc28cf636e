"""The shop of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import SPENT, Shop

ORDERS = (("ann", "2026-01-01", 10), ("bob", "2026-01-02", 20), ("cid", "2026-01-03", 30))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Every customer so far is published with what they spent."""
    return Shop.at(tmp_path / "shop").orders(*ORDERS).pipeline(prepare=SPENT)
