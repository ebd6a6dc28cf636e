"""What only a process of its own can show: pipes, signals, streams that are no terminal, time to start."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.functional.cli_shop import make_shop

AUGURY = str(Path(sys.executable).with_name("augury"))
PLAIN = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_shop(tmp_path)
    return tmp_path


def run(folder: Path, *words: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AUGURY, *words],
        cwd=folder,
        env={**PLAIN, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL if stdin is None else None,
    )


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    sql = "select * from range(3000000)"
    script = f'set -o pipefail; "{AUGURY}" query "{sql}" --output csv | head -n 2'
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=PLAIN, capture_output=True, text=True, timeout=120)
    assert done.stdout == "range\n0\n"
    assert done.stderr == ""
    assert done.returncode == 0


def test_memory_follows_the_batch_and_not_the_table(folder: Path) -> None:
    """Ten times the rows take no more memory to print."""
    script = (
        "import resource, sys; from augury.cli.main import main; "
        "main(['query', f'select * from range({sys.argv[1]})', '--output', 'csv']); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    peaks = []
    for rows in ("30000", "300000"):
        done = subprocess.run(
            [sys.executable, "-c", script, rows], cwd=folder, env=PLAIN, capture_output=True, text=True, timeout=120
        )
        assert done.stdout.count("\n") == int(rows) + 1
        peaks.append(int(done.stderr))
    assert peaks[1] < peaks[0] * 1.25


def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(folder: Path) -> None:
    process = subprocess.Popen(
        [AUGURY, "-v", "backfill", "spend", "--start", "2024-02-01", "--end", "2024-04-01", "--max-parallel", "1"],
        cwd=folder,
        env=PLAIN,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "publish" in line:
            process.send_signal(signal.SIGINT)
            break
    out, rest = process.communicate(timeout=120)
    assert process.returncode == 130
    assert rest.rstrip().endswith("Interrupted. What is finished is kept; the same command goes on from there.")
    assert "Traceback" not in out + rest
    again = run(folder, "backfill", "spend", "--start", "2024-02-01", "--end", "2024-02-04")
    assert again.returncode == 0


def test_output_of_a_terminal_that_knows_only_ascii(folder: Path) -> None:
    done = run(folder, "status", PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 0
    assert done.stdout.isascii()


def on_a_terminal(folder: Path, *words: str, answer: str | None = None, **environment: str) -> tuple[int, str]:
    """Type a command on a terminal of its own; (exit code, what the terminal got)."""
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover  the child becomes another program
        os.chdir(folder)
        os.execve(AUGURY, [AUGURY, *words], {**PLAIN, "TERM": "xterm", "COLUMNS": "100", **environment})
    got = b""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other end was closed
            break
        if not chunk:
            break
        got += chunk
        if answer is not None and b"[y/N]" in got:
            os.write(terminal, f"{answer}\n".encode())
            answer = None
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), got.decode()


def test_a_terminal_gets_a_bar_whose_counts_add_up(folder: Path) -> None:
    code, text = on_a_terminal(folder, "backfill", "spend", "--start", "2024-03-01", "--end", "2024-03-06")
    assert code == 0
    assert "5/5 dates" in text
    assert "5 published, 0 held, 0 failed" in text


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_means_no_colour(folder: Path, environment: dict[str, str]) -> None:
    code, text = on_a_terminal(folder, "run", "spend", "--date", "2099-01-01", **environment)
    assert code == 2
    assert "\x1b" not in text
    code, text = on_a_terminal(folder, "run", "spend", "--date", "2099-01-01")
    assert "\x1b[1;31merror: \x1b[0m" in text


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 2, True), ("y", 0, False)])
def test_what_removes_asks_on_a_terminal(folder: Path, answer: str, code: int, left: bool) -> None:
    assert run(folder, "run", "spend", "--date", "2024-03-10").returncode == 0
    words = ("clean", "--step", "predict", "--from", "2024-03-10", "--to", "2024-03-11")
    ended, text = on_a_terminal(folder, *words, answer=answer)
    assert ended == code
    assert "Remove these partitions? (1 change) [y/N]" in text
    assert ("Nothing was changed." in text) is left


def test_help_starts_quickly() -> None:
    """The processor time of `--help`, which does not depend on who else uses the machine."""
    script = (
        f"import resource, subprocess; subprocess.run(['{AUGURY}', '--help'], capture_output=True, check=True); "
        + ("used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)")
    )
    times = [float(subprocess.check_output([sys.executable, "-c", script, AUGURY], text=True)) for _ in range(5)]
    assert min(times) < 0.25  # 0.08 here; the goal is 0.15 of wall time
