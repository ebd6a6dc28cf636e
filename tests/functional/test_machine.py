"""How much of the machine does a run take? What its process may use, and no more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from augury import machine
from tests.cli_runner import COMMAND, called, environment, worked
from tests.projects import Shop

BACKFILL = ("backfill", "visits", "--start", "2024-01-10", "--end", "2024-01-13")
GB = 10**9


def at_a_time(said: str) -> int:
    found = re.search(r"3 to build(?:; (\d+) at a time)?\n", said)
    assert found, said
    return int(found[1] or 1)


@pytest.mark.parametrize(
    ("groups", "files", "cores", "memory"),
    [
        ("0::/", {"cpu.max": "100000 100000", "memory.max": "1000000000"}, 1, GB),
        ("0::/a/b", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000", "a/memory.max": "max"}, 1, None),
        ("0::/of/the/host", {"cpu.max": "99000 100000", "memory.max": "2000000000"}, 1, 2 * GB),
        (
            "9:name=systemd:/\n4:cpu,cpuacct:/x\n3:memory:/x\n0::/",
            {
                "cpu/x/cpu.cfs_quota_us": "70000",
                "cpu/x/cpu.cfs_period_us": "100000",
                "memory/x/memory.limit_in_bytes": "3000000000",
                "memory/memory.limit_in_bytes": "9223372036854771712",
            },
            1,
            3 * GB,
        ),
        ("1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None, None),
        ("0::/", {"cpu.max": "6400000 100000", "memory.max": str(10**18)}, None, None),
        ("something else", {"cpu.max": "?"}, None, None),
        ("0::/", {}, None, None),
    ],
    ids=["container", "parent", "host's path", "version 1", "no limit", "more than there is", "unreadable", "none"],
)
def test_limits_of_a_container_are_those_of_the_process(
    tmp_path: Path, groups: str, files: dict[str, str], cores: int | None, memory: int | None
) -> None:
    for name, text in {
        "proc/self/cgroup": groups,
        **{f"sys/fs/cgroup/{at}": text for at, text in files.items()},
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert machine.cores(tmp_path) == (cores or len(os.sched_getaffinity(0)))
    assert machine.memory(tmp_path) == (memory or machine.memory(tmp_path / "nothing"))


def test_a_backfill_takes_a_date_for_each_core_that_it_may_use(visits: Shop) -> None:
    pinned = (
        "import os, sys\nos.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\nos.execv(sys.argv[1], sys.argv[1:])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", pinned, COMMAND, *BACKFILL],
        cwd=visits.root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert at_a_time(answer.stdout + answer.stderr) == 1


@pytest.mark.parametrize(
    ("target", "options", "expected"),
    [
        ("threads: 1", (), 1),
        ("threads: 3", (), 3),
        ("threads: 3, memory: 1GB", (), 2),
        ("threads: 3, memory: 200MB", (), 1),
        ("threads: 1, memory: 200MB", ("--max-parallel", "2"), 2),
    ],
)
def test_threads_and_memory_of_a_target_say_how_many_dates_and_a_person_overrules_them(
    visits: Shop, target: str, options: tuple[str, ...], expected: int
) -> None:
    visits.edit("augury.yml", "dev: {path: .augury}", f"dev: {{path: .augury, {target}}}")
    assert at_a_time(worked(called(*BACKFILL, *options, folder=visits.root)).said) == expected
