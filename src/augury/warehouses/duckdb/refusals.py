"""What did the engine say, and which of our errors is that?

DuckDB's messages carry advice for people who type SQL at its prompt. What is kept is the first sentence, the
line of the user's own text and the nearest column that exists.
"""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from augury.errors import AuguryError, DataRefused, Place, QueryRefused, StorageFailed, nearest
from augury.warehouses.duckdb import types

_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)
_PARTITION = re.compile(r"([^'\"]*/([a-z][a-z0-9_]*)/(?:run_date=(\d{4}-\d\d-\d\d)|all)/[^'\"/]+\.parquet)")
_FILE = re.compile(r"['\"]([^'\"]*[/.][^'\"]*)['\"]")
_UNREADABLE = (
    "Parquet file",
    "No magic bytes",
    "Failed to read file",
    "No files found",
    "Invalid thrift",
    "Snappy decompression",
    "file metadata",
    "footer",
    "too small to be a Parquet file",
    "Invalid unicode (byte sequence mismatch) detected in value construction",
    "Invalid string encoding found in Parquet file",
    "not a valid DuckDB database",
    "TProtocolException",
    "don't know what type",
)
_ENGINE_TABLES = ("pg_", "duckdb_", "sqlite_", "information_schema", "pragma_")


@dataclass(frozen=True)
class Complaint:
    """One message of the engine, taken apart."""

    kind: str
    """`Binder`, `Catalog`, `Parser`, `Conversion`, `IO`, ..."""
    message: str
    position: int | None = None
    """0-based offset into the statement."""
    line: int | None = None
    name: str | None = None
    """The name that was not found."""
    candidates: tuple[str, ...] = ()
    errno: int | None = None

    @property
    def sentence(self) -> str:
        """The first line, without its full stop or exclamation mark."""
        first = self.message.strip().split("\n", 1)[0]
        return first.split(". See also", 1)[0].rstrip(".!")

    @property
    def suggestion(self) -> str | None:
        """The candidate that is close to the name complained of; DuckDB names some however far they are."""
        wrong = self.name or next(iter(re.findall(r'"([^"]+)"', self.sentence)), "")
        return nearest(wrong, (name for name in self.candidates if not name.startswith(_ENGINE_TABLES)))


def read(error: BaseException) -> Complaint:
    """Take apart an error of DuckDB, or one that came through an Arrow stream.

    Raises KeyboardInterrupt for a statement that was interrupted, by us or by a signal that reached the engine, and
    any other RuntimeError as it is: that is none of the engine's.
    """
    text = str(error)
    if text.startswith("INTERRUPT Error") or text == "Query interrupted":
        raise KeyboardInterrupt from error
    if isinstance(error, RuntimeError):
        raise error
    # A stream reports the inner message as text; an asynchronous write nests one JSON inside another.
    kind, _, rest = text.partition(" Error: ")
    if not rest:
        kind, rest = type(error).__name__.removesuffix("Exception"), text
    facts = _facts(rest)
    if facts is None:
        message, line = rest, _LINE.search(rest)
        return Complaint(
            kind=kind.rsplit(" ", 1)[-1] if kind.startswith("Invalid") else kind,
            message=message,
            line=int(line[1]) if line else None,
            candidates=_named(message),
            errno=_errno(message),
        )
    message = str(facts.get("exception_message", rest))
    inner = _facts(message[message.index('{"exception_type"') :]) if '{"exception_type"' in message else None
    if inner is not None:
        facts, message = inner, str(inner.get("exception_message", message))
    position = str(facts.get("position", ""))
    code = str(facts.get("errno", ""))
    return Complaint(
        kind=str(facts.get("exception_type", kind)),
        message=message,
        position=int(position) if position.isdigit() else None,
        name=str(facts["name"]) if "name" in facts else None,
        candidates=_named(message),
        errno=int(code) if code.isdigit() else _errno(message),
    )


def _facts(text: str) -> dict[str, object] | None:
    start = text.find("{")
    if start != 0 or '"exception_type"' not in text:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _named(message: str) -> tuple[str, ...]:
    """Names after `Candidate bindings:` or `Did you mean`."""
    found = re.search(r"(?:Candidate (?:bindings|tables):|Did you mean) (.*)", message)
    return tuple(re.findall(r'"([^"]+)"', found[1])) if found else ()


def _errno(message: str) -> int | None:
    for code in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EFBIG, errno.EDQUOT, errno.EPERM):
        if os.strerror(code) in message:
            return code
    return None


def query_refused(error: BaseException, statement: str = "", before: int = 0) -> AuguryError:
    """The error of a statement. `before` characters of it were put in front of the user's own text, on one line.

    Raises what `read` raises.
    """
    found = read(error)
    if refused := csv_broken(found) or _storage(found):
        return refused
    line = found.line
    if line is None and found.position is not None and found.position >= before:
        line = statement.count("\n", 0, found.position) + 1
    fix = f"Did you mean {found.suggestion!r}?" if found.suggestion else None
    if found.kind.startswith("Out of Memory"):
        fix = "Give the target more memory in augury.yml, or read fewer columns and rows in one query."
    return QueryRefused(
        f"DuckDB refused the query: {_lower(found.sentence)}",
        where=Place(line=line),
        why=_known(found),
        fix=fix,
    )


def _known(found: Complaint) -> str | None:
    """The columns there are, where none is close."""
    if found.suggestion or "column" not in found.sentence.lower():
        return None
    return f"there are: {', '.join(found.candidates)}" if found.candidates else None


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
_CSV_VALUE = re.compile(r"Error when converting column \"(.*)\"\. Could not convert string \"(.*)\" to '(.*)'")
_CSV_FILE = re.compile(r"^ *file = (.+)$", re.MULTILINE)


def csv_broken(found: Complaint, path: str | None = None) -> AuguryError | None:
    """The error of a CSV that cannot be parsed, with its file and line; None where it is another error."""
    line = _CSV_LINE.search(found.message)
    if line is None:
        return None
    named = _CSV_FILE.search(found.message)
    place = Place(file=path or (named[1].strip() if named else None), line=int(line[1]))
    value = _CSV_VALUE.search(found.message)
    if value:
        expected = types.canonical(value[3])
        return DataRefused(
            f"column {value[1]!r}: expected {expected}, got {value[2]!r}",
            where=place,
            fix="Correct the file, or the column's type under `columns` of the source in augury.yml.",
        )
    reasons = [text for text in found.message.split("\n")[2:] if text.strip()]
    return StorageFailed(
        "a CSV cannot be read",
        where=place,
        why=reasons[0].strip() if reasons else found.sentence,
        fix="Correct that line. A CSV is UTF-8, with one header and as many fields in every line.",
    )


def _storage(found: Complaint) -> StorageFailed | None:
    """The error of a file that could not be read or written; None for anything else."""
    written = "write" in found.message or "Cannot open file" in found.message
    if found.errno is not None and written:
        path = _path(found.message)
        return cannot_write(path, os.strerror(found.errno)) if path else None
    if found.kind != "IO" and not any(sign in found.message for sign in _UNREADABLE):
        return None
    partition = _PARTITION.search(found.message)
    if partition:
        day = date.fromisoformat(partition[3]) if partition[3] else None
        return unreadable_partition(partition[2], day, partition[1], found.sentence)
    path = _path(found.message)
    if path is None and found.kind == "IO":
        return None
    if path is None:
        # Thrift does not say in which file it found nonsense.
        return StorageFailed("a data file is damaged", why=found.sentence, fix="See which, and mend it: augury doctor")
    return StorageFailed(f"{path} cannot be read", why=found.sentence, fix="Put a whole file in its place.")


def _path(message: str) -> str | None:
    found = _FILE.search(message)
    return found[1] if found else None


def unreadable_partition(table: str, day: date | None, path: str, why: str) -> StorageFailed:
    """A partition whose file is missing, cut off or overwritten."""
    named = f"{table} of {day}" if day else table
    step = re.fullmatch(r"(?P<pipeline>.+)_v\d+_(?P<step>.+)", table)
    pipeline, name = (step["pipeline"], step["step"]) if step else ("PIPELINE", "STEP")
    fix = "Remove its folder; the next run writes it again."
    if day is not None:
        # What is published is another name of the staged file: where one is damaged the other is too.
        clean = f"augury clean {pipeline} --from {day} --to {day + timedelta(days=1)} --step {name}"
        mend = "augury doctor --fix" if name in ("predictions", "predictions_staging", "STEP") else clean
        fix = f"Rebuild it: {mend}, then augury run {pipeline} --date {day}"
    return StorageFailed(
        f"the data of {named} cannot be read: {path}",
        where=Place(date=day.isoformat() if day else None),
        why=why,
        fix=fix,
    )


def cannot_write(path: Path | str, why: str | None) -> StorageFailed:
    """A full disk, a read-only folder, a quota."""
    return StorageFailed(
        f"cannot write {path}",
        why=why,
        fix="Nothing was replaced. Make room or allow writing there, then run the same command again.",
    )


def of_system(error: OSError, path: Path) -> StorageFailed:
    """The error of an operating system call on `path`."""
    return cannot_write(error.filename or path, error.strerror or str(error))
