"""How is a figure, a duration, a range of dates or a table of cells written for people?

Nothing here knows a stream or a colour. `neutral` is what stands between data and the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date

from augury.errors import nearest

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, those that turn the direction of text, and halves of surrogates."""
_CONTROL_OR_BREAK = re.compile(f"[\\t\\n]|{CONTROL.pattern}")


def neutral(text: str) -> str:
    """`text` with control characters shown as escapes: data cannot move the cursor or change colours."""
    return CONTROL.sub(_escaped, text)


def one_line(text: str) -> str:
    """`neutral`, with tabs and line ends shown as escapes too."""
    return _CONTROL_OR_BREAK.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 date`, `6,919 orders`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """`0.9 s`, `1 min 12 s`, `2 h 3 min`."""
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 0.095 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(number: int) -> str:
    """Bytes in powers of 1000: `812 B`, `4.2 GB`."""
    value = float(number)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 999.95:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def days(dates: Sequence[date]) -> str:
    """What a command took: `1 date: 1998-01-15`, `31 dates: 1998-01-01 to 1998-01-31 (end excluded)`."""
    if not dates:
        return "no date"
    if len(dates) == 1:
        return f"1 date: {dates[0]}"
    return f"{count(len(dates), 'date')}: {dates[0]} to {dates[-1]} (end excluded)"


def few(items: Sequence[object], limit: int = 3) -> str:
    """`a, b, c and 27 more`."""
    shown = ", ".join(map(str, items[:limit]))
    return f"{shown} and {len(items) - limit:,} more" if len(items) > limit else shown


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    close = nearest(word, known)
    return f"Did you mean {close}?" if close else None


def width(text: str) -> int:
    """Columns that `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Iterable[int] = (),
    indent: str = "",
    longest: int | None = None,
) -> str:
    """Cells in aligned columns, two spaces apart.

    `right` are the positions of columns aligned to the right; cells of more than `longest` characters are cut.
    """
    clean = [[_cell(cell, longest) for cell in row] for row in (header, *rows)]
    if not clean[0]:
        return ""
    widths = [max(width(row[at]) for row in clean) for at in range(len(header))]
    to_right = set(right)
    lines = []
    for row in clean:
        cells = [
            f"{' ' * (widths[at] - width(cell))}{cell}"
            if at in to_right
            else f"{cell}{' ' * (widths[at] - width(cell))}"
            for at, cell in enumerate(row)
        ]
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def _cell(text: str, longest: int | None) -> str:
    clean = one_line(text)
    return clean if longest is None or len(clean) <= longest else f"{clean[: longest - 1]}…"
