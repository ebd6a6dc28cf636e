"""What do the letters of a format mean on the other engine?

BigQuery docs: 'Format elements for date and time parts' and 'Format strings' of FORMAT().
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augury.sql.bigquery.calling import Arguments

_ELEMENT = re.compile(r"%(E\*S|E[0-9]S|E4Y|Ez|.)|([^%]+)", re.DOTALL)
_SAME = frozenset(["A", "a", "B", "b", "d", "G", "H", "I", "j", "M", "m", "p", "S", "u", "U", "V", "W", "w", "Y", "y"])
"""Letters that mean the same on DuckDB."""
_LONGER = {
    "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "x": "%m/%d/%y", "X": "%H:%M:%S", "h": "%b",
    "E4Y": "%Y", "E*S": "%S.%f", "E6S": "%S.%f", "E3S": "%S.%g", "n": "\n", "t": "\t", "%": "%%",
}  # fmt: skip
_COMPUTED = {
    "e": "lpad(strftime({0}, '%-d'), 2, ' ')",
    "k": "lpad(strftime({0}, '%-H'), 2, ' ')",
    "l": "lpad(strftime({0}, '%-I'), 2, ' ')",
    "P": "lower(strftime({0}, '%p'))",
    "Q": "CAST(extract(quarter FROM {0}) AS VARCHAR)",
    "C": "lpad(CAST(extract(year FROM {0}) // 100 AS VARCHAR), 2, '0')",
    "g": "lpad(CAST(extract(isoyear FROM {0}) % 100 AS VARCHAR), 2, '0')",
    "s": "CAST(CAST(floor(epoch(CAST({0} AS TIMESTAMP))) AS BIGINT) AS VARCHAR)",
}
_OF_UTC = {"z": "+0000", "Ez": "+00:00", "Z": "UTC"}
_TIMES = frozenset(["H", "I", "M", "S", "p", "T", "R", "X", "c", "k", "l", "P", "s", "E*S", "E3S", "E6S"])


def written_format(a: Arguments, pattern: str, *, in_utc: bool) -> str:
    """A template of SQL that writes `{0}`, a DATE or a TIMESTAMP, as text."""
    pieces: list[tuple[bool, str]] = []
    for element, letters in _elements(a, pattern):
        if letters:
            # A brace stands alone: beside a digit it would be a hole of the template.
            pieces += [(part != "{", part if part != "{" else "'{'") for part in re.split(r"(\{)", letters) if part]
        elif element == "c":
            pieces += [(True, "%a %b "), (False, _COMPUTED["e"]), (True, " %H:%M:%S %Y")]
        elif element in _SAME:
            pieces.append((True, f"%{element}"))
        elif element in _LONGER:
            pieces.append((True, _LONGER[element]))
        elif element in _COMPUTED:
            pieces.append((False, _COMPUTED[element]))
        elif in_utc and element in _OF_UTC:
            pieces.append((True, _OF_UTC[element]))
        else:
            a.lacks(f"{a.call.name}(): %{element} cannot be written on DuckDB")
    out: list[str] = []
    run = ""
    for plain, text in [*pieces, (False, "")]:
        if plain:
            run += text
            continue
        if run:
            quoted = run.replace("'", "''")
            out.append(f"strftime({{0}}, '{quoted}')")
            run = ""
        if text:
            out.append(text)
    return "(" + (" || ".join(out) or "''") + ")" if len(out) != 1 else out[0]


def parsed_format(a: Arguments, pattern: str, kind: str) -> str:
    """The format of DuckDB's strptime."""
    out, seen = "", set()
    for element, letters in _elements(a, pattern):
        seen.add(element)
        if letters:
            out += letters.replace("%", "%%")
        elif element in ("z", "Ez"):
            out += "%z"
        elif element in _SAME - {"G", "V", "u", "U", "W", "w"}:
            out += f"%{element}"
        elif element == "e":
            out += "%-d"
        elif element in _LONGER:
            out += _LONGER[element]
        else:
            a.lacks(f"{a.call.name}(): %{element} cannot be read on DuckDB")
    # BigQuery starts from 1970-01-01 where the text names no year, DuckDB from 1900-01-01.
    if kind != "TIME" and not seen & {"Y", "y", "F", "D", "x", "E4Y"}:
        a.lacks(f"{a.call.name}(): a format without a year means 1970 to BigQuery and 1900 to DuckDB")
    if kind == "DATE" and seen & _TIMES:
        a.refuse("PARSE_DATE(): times of day belong to PARSE_DATETIME or PARSE_TIMESTAMP")
    return out


def _elements(a: Arguments, pattern: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(pattern):
        match = _ELEMENT.match(pattern, at)
        if match is None:
            a.refuse(f"{a.call.name}(): the format ends with a single %")
        found.append((match[1] or "", match[2] or ""))
        at = match.end()
    return found


# -- FORMAT ---------------------------------------------------------------------------------------------------

_SPECIFIER = re.compile(
    r"%(?P<flags>[-+ #0']*)(?P<width>\d*)(?:\.(?P<digits>\d+))?(?P<letter>[a-zA-Z%])|(?P<text>[^%]+)"
)
_NUMBERS = {"d": "BIGINT", "i": "BIGINT", "x": "BIGINT", "X": "BIGINT", "o": "BIGINT"}
_FRACTIONS = frozenset("fFeEgG")


def printed(a: Arguments, pattern: str) -> list[str]:
    """SQL of the pieces of FORMAT(pattern, ...); NULL is written as the word."""
    out: list[str] = []
    used, at = 1, 0
    while at < len(pattern):
        found = _SPECIFIER.match(pattern, at)
        if found is None:
            a.refuse(f"FORMAT(): {pattern[at : at + 10]!r} is no format specifier")
        at = found.end()
        letter = found["letter"]
        if letter == "%" or letter is None:
            out.append("'%'" if letter else "'" + found["text"].replace("'", "''") + "'")
            continue
        if used >= len(a):
            a.refuse(f"FORMAT(): {found[0]} has no argument")
        out.append(f"coalesce({_piece(a, found, a.sql(used))}, 'NULL')")
        used += 1
    if used != len(a):
        a.refuse(f"FORMAT(): {len(a) - 1} arguments for {used - 1} specifiers")
    return out or ["''"]


def _piece(a: Arguments, found: re.Match[str], argument: str) -> str:
    letter, flags, width = found["letter"], found["flags"], found["width"]
    digits = f".{found['digits']}" if found["digits"] else ""
    if letter in ("s", "t"):
        if flags.strip("-"):
            a.refuse(f"FORMAT(): {found[0]} has flags that text has not")
        return (
            f"printf('%{flags}{width}{digits}s', CAST({argument} AS VARCHAR))"
            if width or digits
            else f"CAST({argument} AS VARCHAR)"
        )
    type_ = _NUMBERS.get(letter) or ("DOUBLE" if letter in _FRACTIONS else None)
    if type_ is None or "#" in flags:
        a.lacks(f"FORMAT(): {found[0]} cannot be written on DuckDB")
    if "'" in flags:
        if flags != "'" or width or letter not in ("d", "i", "f"):
            a.lacks(f"FORMAT(): {found[0]} combines ' with other flags")
        return f"format('{{:,{digits}{'f' if letter == 'f' else 'd'}}}', CAST({argument} AS {type_}))"
    return f"printf('%{flags}{width}{digits}{'d' if letter == 'i' else letter}', CAST({argument} AS {type_}))"
