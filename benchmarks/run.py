"""How fast is augury, as ratios to a hand-written script that does the same work?

python -m benchmarks                             both sizes, medians of interleaved repeats; takes half an hour
python -m benchmarks --size 200k --only cold     one size, one case
python -m benchmarks --smoke                     tiny data, one repeat: same rows? do the ratios print?
python -m benchmarks --check --record FILE       exit code 1 where a goal is missed; adds a line per size to FILE
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
from benchmarks.work import SIZES, Size

REPEATS = {"smoke": 1, "200k": 5, "5M": 3}


def main() -> int:
    asked = _arguments()
    sizes = ["smoke"] if asked.smoke else [asked.size] if asked.size else ["200k", "5M"]
    dates, planned = (3, 30) if asked.smoke else (30, 365)
    missed: list[str] = []
    measured = False
    for name in sizes:
        size, repeats = SIZES[name], asked.repeats or REPEATS[name]
        # What does not read the data is measured once.
        chosen = [case for case in cases(size, dates, planned) if asked.only in case.name and case.fits(name, sizes)]
        if not chosen:
            continue
        measured = True
        try:
            results = _measured(size, chosen, repeats)
        except CommandFailed as error:
            print(error, file=sys.stderr)
            return 1
        line = report.record(results, size.name, repeats)
        shown = f"{size.name}, {repeats} repeats\n{report.table(results)}\n"
        print(json.dumps(line, indent=2) if asked.json else shown, flush=True)
        if asked.record:
            with asked.record.open("a") as file:
                file.write(json.dumps(line) + "\n")
        missed += [f"{name}: {text}" for result in results for text in result.missed()]
    if not measured:
        print(f"no case is called {asked.only!r}", file=sys.stderr)
        return 2
    if missed and asked.check:
        print("missed:", *missed, sep="\n  ", file=sys.stderr)
        return 1
    return 0


def _measured(size: Size, chosen: list[Case], repeats: int) -> list[Result]:
    size.folder.mkdir(parents=True, exist_ok=True)
    # The runs lie beside the data: a temporary folder in memory would hide what files cost.
    with tempfile.TemporaryDirectory(prefix="runs-", dir=size.folder) as root:
        measure(python("data", "--size", size.name), Path(root) / "data.txt")
        return _run(chosen, Folders(Path(root) / "case"), repeats)


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
    parser.add_argument("--size", choices=[name for name in SIZES if name != "smoke"], help="both by default")
    parser.add_argument("--repeats", type=int, help=f"by default {REPEATS['200k']} and {REPEATS['5M']}")
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--record", type=Path, metavar="FILE")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
