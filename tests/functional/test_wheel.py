"""Does the wheel hold everything that the checkout has and people need?"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


def test_y6_the_wheel_holds_code_examples_and_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if not name.endswith("/")}
    source = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "augury").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    examples = {
        f"augury/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "examples").rglob("*")
        if path.is_file() and ".augury" not in path.parts
    }
    assert source <= packed
    assert examples <= packed
    assert not [name for name in packed if "/tests/" in name or "/.augury/" in name or name.endswith(".pyc")]


def test_y6_the_wheel_alone_makes_a_project_that_validates(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    # Before the checkout's own path, so that modules, entry points and examples are the wheel's.
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    def python(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )

    assert python("-c", "import augury; print(augury.__file__)").stdout.startswith(str(installed))
    made = python("-m", "augury", "init", "shop", "--example", "ltv")
    assert made.returncode == 0, made.stderr
    checked = python("-m", "augury", "validate", "--project-dir", "shop")
    assert checked.returncode == 0, checked.stderr
