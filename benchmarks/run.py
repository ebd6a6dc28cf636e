"""How fast is augury, as ratios to a hand-written script that does the same work?

python -m benchmarks.run --size 200k             medians of five interleaved repeats
python -m benchmarks.run --smoke                 tiny data, one repeat: same rows? do the ratios print?
python -m benchmarks.run --check --record FILE   exit code 1 where a goal is missed; adds a line to FILE
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.cases import Case, Folders, cases, check_rows, clear
from benchmarks.measure import CommandFailed, Measure, measure, python
from benchmarks.report import Result
from benchmarks.work import SIZES


def main() -> int:
    asked = _arguments()
    size = SIZES["smoke" if asked.smoke else asked.size]
    repeats = 1 if asked.smoke else asked.repeats
    dates, planned = (3, 30) if asked.smoke else (30, 365)
    chosen = [case for case in cases(size, dates, planned) if asked.only in case.name]
    if not chosen:
        print(f"no case is called {asked.only!r}", file=sys.stderr)
        return 2
    size.folder.mkdir(parents=True, exist_ok=True)
    try:
        # The runs lie beside the data: a temporary folder in memory would hide what files cost.
        with tempfile.TemporaryDirectory(prefix="runs-", dir=size.folder) as root:
            folders = Folders(Path(root) / "case")
            measure(python("data", "--size", size.name), Path(root) / "data.txt")
            results = _run(chosen, folders, repeats)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    line = report.record(results, size.name, repeats)
    print(json.dumps(line, indent=2) if asked.json else f"{size.name}, {repeats} repeats\n{report.table(results)}")
    if asked.record:
        with asked.record.open("a") as file:
            file.write(json.dumps(line) + "\n")
    missed = [text for result in results for text in result.missed()]
    if missed and asked.check:
        print("missed:", *missed, sep="\n  ", file=sys.stderr)
        return 1
    return 0


def _run(chosen: list[Case], folders: Folders, repeats: int) -> list[Result]:
    results = [Result(case, [], []) for case in chosen]
    # The first repeat is not counted where there are several: it compiles bytecode and fills the page cache.
    for repeat in range(repeats if repeats == 1 else repeats + 1):
        for result in results:
            ours, theirs = _once(result.case, folders, augury_first=repeat % 2 == 0)
            if repeat or repeats == 1:
                result.augury.append(ours)
                result.other.append(theirs)
            print(f"{result.case.name}: {ours.wall:.2f} s, script {theirs.wall:.2f} s", file=sys.stderr)
    return results


def _once(case: Case, folders: Folders, *, augury_first: bool) -> tuple[Measure, Measure]:
    """Both sides once, in turns: what else the machine does then falls on both."""
    clear(folders)
    case.before(folders)
    if augury_first:
        ours = measure(case.augury(folders), folders.output)
        theirs = measure(case.other(folders), folders.output)
    else:
        theirs = measure(case.other(folders), folders.output)
        ours = measure(case.augury(folders), folders.output)
    if case.same_rows:
        check_rows(folders)
    return ours, theirs


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=[name for name in SIZES if name != "smoke"], default="200k")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--record", type=Path, metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
