"""How far is it? A bar on a terminal. Imported only where somebody watches: rich costs 40 ms."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from augury.cli.streams import Streams, wants_colour
from augury.cli.text import neutral


class Bar:
    """One bar on stderr; it stays when it is full, and lines appear above it."""

    def __init__(self, label: str, total: int, unit: str, streams: Streams) -> None:
        colour = wants_colour(sys.stderr, streams.environment, refused=streams.no_colour)
        self._console = Console(
            stderr=True, force_terminal=True, no_color=not colour, highlight=False, markup=False, emoji=False
        )
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn(f"{{task.completed:.0f}}/{{task.total:.0f}}{unit}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[summary]}", markup=False),
            console=self._console,
            refresh_per_second=8,
        )
        self._task = self._progress.add_task(neutral(label), total=total, summary="")
        self._progress.start()

    def advance(self, summary: str = "") -> None:
        self._progress.update(self._task, advance=1, summary=summary)

    def reach(self, completed: int, summary: str = "") -> None:
        self._progress.update(self._task, completed=completed, summary=summary)

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._console.print(Text(neutral(line)), soft_wrap=True)

    def stop(self) -> None:
        self._progress.stop()
