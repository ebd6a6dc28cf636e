"""The shop of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.steps.queries import FOUR_DAYS
from tests.projects import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.at(tmp_path / "shop").orders(*FOUR_DAYS)
