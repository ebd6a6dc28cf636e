"""Does the wheel hold everything that the checkout has and people need?"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_y6_the_wheel_holds_code_examples_and_types(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {name for name in wheel.namelist() if not name.endswith("/")}
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
