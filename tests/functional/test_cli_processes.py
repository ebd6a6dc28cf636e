"""What only a process of its own can show: pipes, signals, streams that are no terminal, time to start."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli_runner import called, rows, worked
from tests.functional.cli_shop import make_shop

AUGURY = str(Path(sys.executable).with_name("augury"))
PLAIN = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_shop(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = make_shop(tmp_path_factory.mktemp("built") / "shop")
    worked(called("run", "spend", "--date", "2024-03-10", folder=shop.folder))
    return shop.folder


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A shop that has published 2024-03-10."""
    return shutil.copytree(built, tmp_path / "shop")


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
    for count in ("30000", "300000"):
        done = subprocess.run(
            [sys.executable, "-c", script, count], cwd=folder, env=PLAIN, capture_output=True, text=True, timeout=120
        )
        assert done.stdout.count("\n") == int(count) + 1
        peaks.append(int(done.stderr))
    assert peaks[1] < peaks[0] * 1.25


def published(folder: Path) -> dict[str, str]:
    """Date to the run that published it."""
    found = rows("select distinct run_date, run_id from spend_predictions order by run_date", folder)
    return {row["run_date"]: row["run_id"] for row in found}


def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(copy: Path) -> None:
    words = ("backfill", "spend", "--start", "2024-03-11", "--end", "2024-04-30")
    process = subprocess.Popen(
        [AUGURY, "-v", *words, "--max-parallel", "1"],
        cwd=copy,
        env=PLAIN,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    publishing = (line for line in process.stderr if "publish" in line)
    next(publishing)
    next(publishing)  # the second date is at it, so the first one is finished
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=120)
    assert process.returncode == 130
    assert rest.rstrip().endswith("Interrupted. What is finished is kept; the same command goes on from there.")
    assert "Traceback" not in out + rest
    finished = {day: run for day, run in published(copy).items() if day <= "2024-03-11"}
    assert list(finished) == ["2024-03-10", "2024-03-11"]
    worked(called("backfill", "spend", "--start", "2024-03-11", "--end", "2024-03-14", folder=copy))
    again = published(copy)
    assert "2024-03-13" in again
    assert finished.items() <= again.items()


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
            os.write(terminal, answer.encode())
            answer = None
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), got.decode()


def test_a_terminal_gets_a_bar_whose_counts_add_up(copy: Path) -> None:
    code, text = on_a_terminal(copy, "backfill", "spend", "--start", "2024-03-11", "--end", "2024-03-16")
    assert code == 0
    assert "5/5 dates" in text
    assert "5 published, 0 held, 0 failed" in text


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_no_colour_means_no_colour(folder: Path, environment: dict[str, str], coloured: bool) -> None:
    code, text = on_a_terminal(folder, "run", "spend", "--date", "2099-01-01", **environment)
    assert code == 2
    assert ("\x1b[1;31merror: \x1b[0m" in text, "\x1b" in text) == (coloured, coloured)


END_OF_FILE, INTERRUPT = "\x04", "\x03"
"""What a terminal makes of Ctrl-D and Ctrl-C."""


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ("y\n", 0, "1 change made"),
        ("n\n", 2, "Nothing was changed."),
        (END_OF_FILE, 2, "nobody answered: stdin ended at the question"),
        (INTERRUPT, 130, "Interrupted."),
    ],
)
def test_what_removes_asks_on_a_terminal(copy: Path, answer: str, code: int, said: str) -> None:
    words = ("clean", "--step", "predict", "--from", "2024-03-10", "--to", "2024-03-11")
    ended, text = on_a_terminal(copy, *words, answer=answer)
    assert ended == code
    assert "Remove these partitions? (1 change) [y/N]" in text
    assert said in text
    assert ("Interrupted." in text) is (code == 130)
    left = worked(called(*words, "--dry-run", folder=copy)).out
    assert ("Nothing to do" in left) is (code == 0)


@pytest.mark.parametrize(("words", "said"), [(("query", "-"), "stdin is closed"), (("state", "reset"), "Add --yes")])
def test_a_closed_stdin_is_nobody_who_answers(folder: Path, words: tuple[str, ...], said: str) -> None:
    script = f'exec "{AUGURY}" {" ".join(words)} <&-'
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=PLAIN, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr


def test_help_starts_quickly() -> None:
    """The processor time of `--help`, which does not depend on who else uses the machine."""
    script = (
        f"import resource, subprocess; subprocess.run(['{AUGURY}', '--help'], capture_output=True, check=True); "
        + ("used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)")
    )
    times = [float(subprocess.check_output([sys.executable, "-c", script, AUGURY], text=True)) for _ in range(5)]
    assert min(times) < 0.25  # 0.08 here; the goal is 0.15 of wall time
