"""Which line of the input does each line of the output come from?

Names and calls carry marks, NUL line NUL, through the generator. The output is broken where the line changes.
"""

from __future__ import annotations

import re

from augury.sql.bigquery.contract import Translated

_DUCKDB = re.compile(r"""\0(\d+)\0|'(?:[^']|'')*'|"(?:[^"]|"")*"|\s+|[^\s'"\0]+""")
_BIGQUERY = re.compile(r"""\0(\d+)\0|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\s+|[^\s'`\0]+""", re.DOTALL)
_MARK = re.compile(r"\0(\d+)\0")


def placed(marked: str, *, bigquery: bool = False) -> Translated:
    """The text without its marks, and its lines; `bigquery` says whose quotes it has."""
    out: list[str] = []
    lines: list[int] = []
    here = pending = 1
    started = False
    for found in (_BIGQUERY if bigquery else _DUCKDB).finditer(marked):
        word = found[0]
        if found[1]:
            pending = int(found[1])
            continue
        inner = _MARK.search(word) if "\0" in word else None
        if inner:
            pending = int(inner[1])
            word = _MARK.sub("", word)
        if pending != here and not word.isspace() and (not out or out[-1][-1:] in " (,\n"):
            if started:
                out.append("\n")
                lines.append(here)
            here = pending
        started = True
        out.append(word)
        lines += [here] * word.count("\n")
    return Translated("".join(out), (*lines, here))
