"""Is a test whose server is absent named as not run, and a failure in CI?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEST = "tests/contract/test_postgres_access.py::test_a_server_that_is_not_there"


@pytest.mark.parametrize("ci", [False, True], ids=["laptop", "ci"])
def test_a_test_whose_server_is_absent_does_not_read_as_a_pass(ci: bool) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    absent = {"AUGURY_TEST_POSTGRES": "postgresql://postgres:hidden@127.0.0.1:1/postgres"}  # pragma: allowlist secret
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST],
        cwd=ROOT,
        env={**kept, **absent, **({"CI": "true"} if ci else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "PostgreSQL does not answer at 127.0.0.1:1" in done.stdout
    assert "hidden" not in done.stdout
    if ci:
        assert done.returncode == 1
    else:
        assert done.returncode == 0
        section = done.stdout.partition("not run, as their server is absent")[2]
        assert TEST in section
