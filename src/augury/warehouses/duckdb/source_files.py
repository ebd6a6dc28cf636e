"""Which files or tables make up a source now, and did any of them change? Answered by names, sizes and
times."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from augury.errors import StorageFailed

Kind = Literal["parquet", "csv"]
_CSV = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_PARQUET = (".parquet", ".pq")
DATE = "{date}"


@dataclass(frozen=True)
class SourceFile:
    path: Path
    day: date | None
    """The day of a shard."""
    size: int
    mtime_ns: int

    @property
    def signature(self) -> str:
        return f"{self.path}|{self.size}|{self.mtime_ns}"


@dataclass(frozen=True)
class SourceTable:
    """A table or view of a .duckdb file."""

    name: str
    """Quoted, with the alias of its file."""
    day: date | None
    """The day of a shard."""
    of_file: str
    """The signature of its file."""

    @property
    def signature(self) -> str:
        return f"{self.of_file}|{self.name}"


Part = SourceFile | SourceTable


def find(pattern: str, project: Path) -> tuple[SourceFile, ...]:
    """Files of `path:`, ascending by day and name. `{date}` matches days that exist, written YYYYMMDD."""
    found: list[SourceFile] = []
    sharded = DATE in pattern
    for path in _matches(pattern, project):
        day = shard_day(pattern, str(path), project) if sharded else None
        if sharded and day is None:
            continue
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageFailed(f"{path} cannot be read", why=error.strerror) from error
        if path.is_dir():
            raise StorageFailed(
                f"{path} is a folder, not a file", fix=f"Name its files, e.g. {pattern.rstrip('/')}/*.parquet"
            )
        found.append(SourceFile(path, day, stat.st_size, stat.st_mtime_ns))
    return tuple(sorted(found, key=lambda file: (file.day or date.min, str(file.path))))


def _matches(pattern: str, project: Path) -> list[Path]:
    literal = project / pattern
    if literal.exists():
        return [literal]
    star = pattern.replace(DATE, "*" if "**" not in pattern else "[0-9]" * 8)
    return [project / name for name in glob.glob(star, root_dir=project, recursive=True)]  # noqa: PTH207


def shard_day(pattern: str, name: str, project: Path | None = None) -> date | None:
    """The day in a shard's name; None where the name is not one of a shard."""
    whole = str(project / pattern) if project else pattern
    parts = [_as_regex(part) for part in whole.split(DATE)]
    first, *rest = parts
    found = re.fullmatch(first + r"(?P<day>\d{8})" + r"(?P=day)".join(rest), name)
    if found:
        text = found["day"]
        with suppress(ValueError):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    return None


def _as_regex(part: str) -> str:
    return re.escape(part).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def kind_of(files: Iterable[SourceFile]) -> Kind:
    """Raises StorageFailed where the files are neither all Parquet nor all CSV."""
    names = [str(file.path).lower() for file in files]
    if all(name.endswith(_PARQUET) for name in names):
        return "parquet"
    if all(name.endswith(_CSV) for name in names):
        return "csv"
    strange = next((name for name in names if not name.endswith((*_PARQUET, *_CSV))), names[0])
    raise StorageFailed(
        f"{strange} is neither CSV nor Parquet, or differs from the other files of its source",
        fix=f"Sources are {', '.join((*_PARQUET, *_CSV))} files, or tables of a .duckdb file.",
    )


def signature(parts: Iterable[str]) -> str:
    """One short text for many facts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape"))
        digest.update(b"\0")
    return digest.hexdigest()[:32]


def database_signature(path: Path) -> str | None:
    """Of a .duckdb file and its log; None where it does not exist."""
    facts: list[str] = []
    for part in (path, path.with_name(path.name + ".wal")):
        with suppress(FileNotFoundError):
            stat = os.stat(part)  # noqa: PTH116
            facts.append(f"{part}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ino}")
    return signature(facts) if path.is_file() else None
