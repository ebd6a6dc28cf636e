"""The project that the tests of this room change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.spec.folder import PIPELINE, PROJECT, SQL, Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """augury.yml with one source, and the pipeline `ltv` of prepare.sql and label.sql."""
    made = Shop(tmp_path).write("augury.yml", PROJECT)
    made.write("pipelines/ltv/pipeline.yml", PIPELINE)
    return made.write("pipelines/ltv/prepare.sql", SQL).write("pipelines/ltv/label.sql", SQL)
