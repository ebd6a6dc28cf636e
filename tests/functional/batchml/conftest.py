from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.batchml.forks import DAY, Forks, forks


@pytest.fixture
def project(tmp_path: Path) -> Forks:
    return forks(tmp_path)


@pytest.fixture(scope="session")
def _published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = forks(tmp_path_factory.mktemp("forks"))
    for version in ("v1", "v2"):
        made.does("train", "github", "--date", DAY, "--version", version)
        made.does("run", "github", "--date", DAY, "--version", version)
    return made.root


@pytest.fixture
def published(_published: Path, tmp_path: Path) -> Forks:
    """Both versions are trained and have published one date; v1 is what consumers see."""
    import shutil

    shutil.copytree(_published, tmp_path / "forks")
    return Forks(tmp_path / "forks")
