"""How do tests type commands? As a process of its own, or in this one where a process does not matter.

Both start from an environment that holds nothing of the developer's.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augury.cli.main import main

COMMAND = str(Path(sys.executable).with_name("augury"))
"""The program as pip installed it."""
_KEPT = ("HOME", "PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams: what a person saw."""
        return self.out + self.err

    @property
    def document(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a new user's shell has: no AUGURY_ variables, no colours forced."""
    return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, **(more or {})}


def typed(*words: str, folder: Path, env: Mapping[str, str] | None = None, seconds: float = 120) -> Answer:
    """Type `augury WORDS` in `folder`, with stdin and a terminal missing, as a scheduler would."""
    done = subprocess.run(
        [COMMAND, *words],
        cwd=folder,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


_OBEYING = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
os.execv(sys.argv[1], sys.argv[1:])
"""
_LIMITED = """
import os, resource, sys
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # a truncated .pyc would break every later process
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.argv[2], sys.argv[2:])
"""


def obeying(*words: str, folder: Path) -> Answer:
    """As `typed`, by a process to which the permissions of files apply even where root runs the tests."""
    return _after([_OBEYING], words, folder)


def limited(size: int, *words: str, folder: Path) -> Answer:
    """As `typed`, on a disk that is full as soon as a file has `size` bytes."""
    return _after([_LIMITED, str(size)], words, folder)


def _after(prelude: list[str], words: tuple[str, ...], folder: Path) -> Answer:
    done = subprocess.run(
        [sys.executable, "-c", *prelude, COMMAND, *words],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def started(*words: str, folder: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start `augury WORDS` and do not wait for it."""
    return subprocess.Popen(
        [COMMAND, *words],
        cwd=folder,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], seconds: float = 120) -> Answer:
    """Wait for a started command. A killed one has the negative number of its signal as its code.

    Raises TimeoutExpired; then the command is killed, or its query would keep the machine busy for hours.
    """
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Answer(process.returncode, out, err)


def called(*words: str, folder: Path, env: Mapping[str, str] | None = None) -> Answer:
    """The same command without a process: imports and the engine's start are paid once."""
    out, err = io.StringIO(), io.StringIO()
    with (
        _environment(environment(env)),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main(list(words))
    return Answer(int(code), out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def refused(answer: Answer, code: int, *words: str) -> str:
    """What a command said that ended with `code`: clean, and naming each of `words`."""
    assert answer.code == code, answer.said
    assert "Traceback" not in answer.said
    assert "bug:" not in answer.said
    assert "error of its own" not in answer.said
    assert "\x1b" not in answer.said
    missing = [word for word in words if word not in answer.err]
    assert not missing, f"{missing} not in: {answer.err}"
    return answer.err


def worked(answer: Answer) -> Answer:
    """A command that ended with 0."""
    assert answer.code == 0, answer.said
    return answer


def rows(sql: str, folder: Path, *more: str) -> list[dict[str, Any]]:
    """What `augury query` returns."""
    answer = worked(called("query", sql, "--output", "ndjson", *more, folder=folder))
    return [json.loads(line) for line in answer.out.splitlines()]
