"""How is a page of the documentation performed?

A page is one story, told in an empty folder. Its blocks are taken in order:

- `console`: each line `$ command` is typed into a shell; the lines below it must be what it prints.
- `yaml`, `sql`, `csv`, `python` whose first line is a comment with a path: written to that file,
  a CSV without that line.
- `python` without a path: run with the interpreter of the tests.
- any other language is for reading.

In shown output `...` stands for any text inside a line, and on a line of its own for any number of lines.
Durations, sizes, run ids and clock times are masked on both sides, so a page can show real ones.
`<!-- begin: COMMAND -->` runs something before the story that readers need not see, and with
`<!-- needs: postgres -->` the shell has the address of an empty database in AUGURY_LEDGER.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>[a-z]+)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S)
BEGIN = re.compile(r"^<!-- begin: (?P<command>.*?) -->$", re.M)
NEEDS_POSTGRES = "<!-- needs: postgres -->"
PATH = re.compile(r"^(?:#|--|\{#) *(?P<path>[\w./-]+\.(?:yml|yaml|sql|py|csv))\b")
MASKS = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b|\b[0-9A-HJKMNP-TV-Z]{6}\.\.\.(?=\s|$)"), "<run>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+\d\d:?\d\d)?"), "<instant>"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|min)\b"), "<duration>"),
    (re.compile(r"\b\d+(\.\d+)? ?(B|kB|KB|MB|GB)\b"), "<size>"),
    (re.compile(r"[━╸╺]+"), "<bar>"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(frozen=True)
class Block:
    language: str
    body: str
    line: int
    """1-based line of the page on which the body begins."""


@dataclass
class Shell:
    """A shell that remembers its folder and the last exit code from command to command."""

    folder: Path
    home: Path
    status: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def type(self, command: str) -> str:
        """What a command prints, on both streams."""
        marker = "@@end@@"
        script = (
            f"cd {shlex.quote(str(self.folder))}\n(exit {self.status})\n{command}\n"
            f'printf "\\n{marker}%s %s" "$?" "$PWD"'
        )
        done = subprocess.run(
            ["bash", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=self._environment(),
            timeout=300,
        )
        output, _, end = done.stdout.rpartition(marker)
        status, _, folder = end.partition(" ")
        self.status, self.folder = int(status), Path(folder)
        return output.removesuffix("\n")

    def _environment(self) -> dict[str, str]:
        scripts = str(Path(sys.executable).parent)
        return {
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "USER": "ana",
            "EDITOR": "true",
            "LANG": "C.UTF-8",
            "COLUMNS": "120",
            "NO_COLOR": "1",
            **self.environment,
        }


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page, without the indentation of the list they may stand in."""
    out = []
    for found in BLOCK.finditer(text):
        indent = len(found["indent"])
        body = "".join(line[indent:] for line in found["body"].splitlines(keepends=True))
        out.append(Block(found["language"], body, text.count("\n", 0, found.start()) + 2))
    return out


def commands_of(block: Block) -> list[tuple[str, str]]:
    """(command, shown output) of a console block. A command goes on while its lines end with a backslash."""
    out: list[tuple[str, str]] = []
    for line in block.body.splitlines():
        if line.startswith("$ "):
            out.append((line[2:], ""))
        elif out and not out[-1][1] and out[-1][0].endswith("\\"):
            out[-1] = (f"{out[-1][0]}\n{line}", "")
        elif out:
            out[-1] = (out[-1][0], f"{out[-1][1]}{line}\n")
    return out


def masked(text: str) -> str:
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def agrees(shown: str, printed: str) -> bool:
    """Whether what a command printed is what the page shows. A page that shows nothing promises success."""
    if not shown.strip():
        return True
    parts = []
    for line in masked(shown).splitlines():
        if line == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(re.escape(line).replace(r"\.\.\.", r"[^\n]*") + r"\n")
    return re.fullmatch("".join(parts), masked(printed) + "\n") is not None


def pages() -> list[Path]:
    """Every page that does anything."""
    found = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    return [page for page in found if is_runnable(page.read_text("utf-8"))]


def is_runnable(text: str) -> bool:
    """Whether a page does anything."""
    return any(block.language == "console" or _is_script(block) for block in blocks_of(text))


def perform(text: str, folder: Path, environment: dict[str, str] | None = None) -> list[str]:
    """Act out a page in an empty folder; what did not go as shown, one message each."""
    (folder / "home").mkdir()
    (folder / "work").mkdir()
    shell = Shell(folder / "work", folder / "home", environment=environment or {})
    for begin in BEGIN.finditer(text):
        shell.type(begin["command"])
        if shell.status:
            return [f"could not begin: {begin['command']}"]
    problems = []
    for block in blocks_of(text):
        problems += _perform_block(block, shell)
    return problems


def _perform_block(block: Block, shell: Shell) -> list[str]:
    path = PATH.match(block.body)
    if block.language == "console":
        problems = []
        for command, shown in commands_of(block):
            printed = shell.type(command)
            if not agrees(shown, printed) or (not shown and shell.status):
                problems.append(f"line {block.line}: $ {command}\n--- shown\n{shown}\n--- printed\n{printed}")
        return problems
    if path and block.language in ("yaml", "sql", "python", "csv"):
        file = shell.folder / path["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        # A CSV has no comments: the line with the path is for readers.
        content = block.body.partition("\n")[2] if block.language == "csv" else block.body
        file.write_text(content, "utf-8")
    elif _is_script(block):
        printed = shell.type(f"{shlex.quote(sys.executable)} -W error - <<'PYTHON'\n{block.body}PYTHON")
        if shell.status:
            return [f"line {block.line}: python\n{printed}"]
    return []


def _is_script(block: Block) -> bool:
    return block.language == "python" and not PATH.match(block.body)
