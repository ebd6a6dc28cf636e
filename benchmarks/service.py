"""What does the service cost above the foreground, per date and step, however many dates there are?

python -m benchmarks.service                                   30 and 365 dates, 200k rows, the ledger in SQLite
python -m benchmarks.service --postgres postgresql://...       and in PostgreSQL
python -m benchmarks.service --dates 30 --size smoke

Both sides build the same dates two at a time. The service is asked to before it begins, and ends when it is idle; what
it takes to begin and end with nothing to do is shown apart. The published rows of both have to be equal.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import project, work
from benchmarks.cases import span
from benchmarks.measure import AUGURY, CommandFailed, measure, python
from benchmarks.work import SIZES, Size

AT_A_TIME = "2"


@dataclass(frozen=True)
class Figures:
    ledger: str
    dates: int
    foreground: float
    """Seconds of `augury backfill`."""
    service: float
    """Seconds of `augury up`, its beginning and its end left out."""
    idle: float
    """Seconds of `augury up` with nothing to do."""

    @property
    def per_step(self) -> float:
        """Milliseconds above the foreground, per date and step."""
        return 1000 * (self.service - self.foreground) / (self.dates * len(work.STEPS))


def compare(size: Size, dates: int, ledger: str | None, root: Path) -> Figures:
    """Build the same dates by both, each from nothing. Raises CommandFailed where the published rows differ."""
    log = root / "output.txt"
    seconds: dict[str, float] = {}
    for side in ("foreground", "service"):
        folder = root / side
        shutil.rmtree(folder, ignore_errors=True)
        project.write(folder, size)
        if ledger is not None:
            _keep_ledger(folder, ledger)

        def augury(*words: str, folder: Path = folder) -> float:
            return measure([AUGURY, "--project-dir", str(folder), *words], log).wall

        # What is due by itself is not asked for here.
        augury("pause", project.PIPELINE)
        if side == "foreground":
            seconds[side] = augury("backfill", project.PIPELINE, *span(dates), "--max-parallel", AT_A_TIME)
        else:
            seconds["idle"] = augury("up", "--until-idle", "--concurrency", AT_A_TIME)
            augury("submit", project.PIPELINE, *span(dates))
            seconds[side] = augury("up", "--until-idle", "--concurrency", AT_A_TIME) - seconds["idle"]
    latest = [root / side / project.NAMESPACE / "_latest" / project.PUBLISHED for side in ("foreground", "service")]
    measure(python("compare", *map(str, latest)), log)
    name = "PostgreSQL" if ledger else "SQLite"
    return Figures(name, dates, seconds["foreground"], seconds["service"], seconds["idle"])


def _keep_ledger(folder: Path, address: str) -> None:
    """Each project of a shared ledger has a name of its own."""
    settings = folder / "augury.yml"
    text = settings.read_text()
    name = next(line for line in text.splitlines() if line.startswith("name:"))
    text = text.replace(name, f"name: bench_{secrets.token_hex(4)}")
    settings.write_text(text.replace(f"{project.TARGET}: {{}}", f"{project.TARGET}: {{ledger: '{address}'}}"))


def table(found: list[Figures]) -> str:
    header = ("foreground s", "service s", "ms per date", "ms per date and step")
    lines = [f"{'ledger':<12}{'dates':>6}" + "".join(f"{name:>{len(name) + 2}}" for name in header)]
    lines += [
        f"{each.ledger:<12}{each.dates:>6}{each.foreground:>14.2f}{each.service:>11.2f}"
        f"{1000 * each.service / each.dates:>13.1f}{each.per_step:>22.2f}"
        for each in found
    ]
    return "\n".join([*lines, f"begin and end of a service: {max(each.idle for each in found):.2f} s"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=list(SIZES), default="200k")
    parser.add_argument("--dates", type=int, nargs="+", default=[30, 365])
    parser.add_argument("--postgres", metavar="URL", default=os.environ.get("AUGURY_BENCH_POSTGRES"))
    asked = parser.parse_args()
    size = SIZES[asked.size]
    size.folder.mkdir(parents=True, exist_ok=True)
    found = []
    with tempfile.TemporaryDirectory(prefix="service-", dir=size.folder) as root:
        measure(python("data", "--size", size.name), Path(root) / "data.txt")
        for ledger in [None, *([asked.postgres] if asked.postgres else [])]:
            for dates in asked.dates:
                try:
                    found.append(compare(size, dates, ledger, Path(root)))
                except CommandFailed as error:
                    print(error, file=sys.stderr)
                    return 1
    print(f"{size.name}, {AT_A_TIME} at a time\n{table(found)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
