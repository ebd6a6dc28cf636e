"""Where does everything lie, and how does a file appear under its name in one step?

    <root>/<namespace>/
      _namespace.json                              whose folder this is
      <table>/run_date=YYYY-MM-DD/<run_id>.parquet data: written under another name, linked, never changed
      <table>/run_date=YYYY-MM-DD/live.json        the pointer: names the live file, replaced atomically
      <table>/all/...                              the same for a table that is one whole
      _latest/<table>/YYYY-MM-DD.parquet           hard links of published partitions under fixed names
      _fences/<lock>                               the highest token that an owner of a lock came with
      _views/<name>.json   _sources/   _tmp/       views, CSV sources as Parquet, the engine's spill files

Names that begin with `_` are never tables. With an output folder, published tables and `_latest` lie there
instead. `_latest` is flat: in `run_date=...` folders pandas refuses files that carry a `run_date` column
themselves.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from augury.errors import NamespaceError, StorageFailed, UsageError
from augury.warehouses.duckdb import refusals

MARKER = "_namespace.json"
POINTER = "live.json"
WHOLE = "all"
DAY_PREFIX = "run_date="
TEMPORARY = ".tmp-"
TABLE = re.compile(r"[a-z][a-z0-9_]{0,199}")
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def checked_table(table: str) -> str:
    """`table`, where it can be a table of the namespace. Anything else, such as a path, raises
    NamespaceError."""
    if not TABLE.fullmatch(table):
        raise NamespaceError(
            f"{table!r} cannot be a table of this namespace",
            why="a table's name is lower-case letters, digits and _, beginning with a letter",
        )
    return table


def checked_run_id(run_id: str) -> str:
    if not _RUN_ID.fullmatch(run_id):
        raise UsageError(f"{run_id!r} cannot be a run id", why="it becomes the name of a file")
    return run_id


@dataclass(frozen=True)
class Layout:
    """The folders of one namespace."""

    main: Path
    output: Path | None = None
    """Where published tables lie, if not in `main`."""

    def folders(self, table: str) -> tuple[Path, ...]:
        """The folders in which partitions of a table may lie; what a later one holds wins."""
        checked_table(table)
        return tuple(root / table for root in self.roots)

    def partition(self, table: str, day: date | None, *, published: bool = False) -> Path:
        """The folder of a partition, existing or not. `published` says where a new one belongs."""
        main, *output = self.partitions(table, day)
        if output and (published or (output[0] / POINTER).exists()):
            return output[0]
        return main

    def partitions(self, table: str, day: date | None) -> tuple[Path, ...]:
        """The folders in which a partition may lie; what a later one holds wins."""
        part = WHOLE if day is None else f"{DAY_PREFIX}{day.isoformat()}"
        return tuple(folder / part for folder in self.folders(table))

    def latest(self, table: str, day: date) -> Path:
        """The fixed name of a published partition."""
        return (self.output or self.main) / "_latest" / checked_table(table) / f"{day.isoformat()}.parquet"

    def view(self, name: str) -> Path:
        return self.main / "_views" / f"{checked_table(name)}.json"

    @property
    def sources(self) -> Path:
        return self.main / "_sources"

    @property
    def spill(self) -> Path:
        return self.main / "_tmp"

    @property
    def roots(self) -> tuple[Path, ...]:
        return (self.main,) if self.output is None else (self.main, self.output)

    def tables(self) -> tuple[str, ...]:
        """Names of the tables that have a folder, sorted."""
        found: set[str] = set()
        for root in self.roots:
            with suppress(FileNotFoundError), os.scandir(root) as entries:
                found.update(entry.name for entry in entries if TABLE.fullmatch(entry.name) and entry.is_dir())
        return tuple(sorted(found))


def claim(roots: Sequence[Path], owner: dict[str, str], *, read_only: bool) -> None:
    """Make the folders the namespace of `owner`. Raises NamespaceError where one is somebody else's, and makes none."""
    for root in roots:
        _refuse_others(root, owner, strangers=not read_only)
    for root in () if read_only else roots:
        if (root / MARKER).exists():
            continue
        try:
            root.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                create_new(root / MARKER, json.dumps(owner, indent=1).encode())
        except OSError as error:
            raise refusals.of_system(error, root / MARKER) from error
        _refuse_others(root, owner, strangers=False)  # somebody else may have been quicker


def _refuse_others(root: Path, owner: dict[str, str], *, strangers: bool) -> None:
    """Raise NamespaceError where `root` belongs to another owner, or with `strangers` where it holds other files."""
    marker = root / MARKER
    try:
        if not marker.exists():
            held = sorted(path.name for path in root.iterdir() if path.name[0] not in "_.") if root.exists() else []
            if held and strangers:
                raise NamespaceError(
                    f"{root} is not a namespace of augury, and it is not empty",
                    why=f"it holds {', '.join(held[:3])}",
                    fix="Give the target another `path` or `namespace` in augury.yml.",
                )
            return
        found = json.loads(marker.read_text("utf-8"))
    except OSError as error:
        raise refusals.of_system(error, marker) from error
    except ValueError as error:
        raise StorageFailed(f"{marker} cannot be read", why=str(error), fix="Remove the file.") from error
    if found != owner:
        holder = ", ".join(f"{key} {value}" for key, value in found.items() if value)
        asking = ", ".join(f"{key} {value}" for key, value in owner.items() if value)
        raise NamespaceError(
            f"{root} belongs to {holder}",
            why=f"this is {asking}",
            fix="Give the target a `namespace` of its own in augury.yml.",
        )


def temporary(folder: Path, run_id: str = "") -> Path:
    """A name in `folder` that nobody else uses and no reader looks at."""
    return folder / f"{TEMPORARY}{run_id}-{secrets.token_hex(6)}"


def create_new(path: Path, content: bytes) -> None:
    """Write `path` in one step, or raise FileExistsError: of several processes exactly one succeeds."""
    draft = temporary(path.parent)
    try:
        draft.write_bytes(content)
        link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def replace(path: Path, value: dict[str, Any], *, durable: bool = False) -> tuple[bytes, tuple[int, int, int] | None]:
    """Replace a JSON file in one step; its text, and the signature by which that very text is known again.

    `durable` outlives a power cut, which costs two syncs. The signature is None where the disk keeps no nanoseconds.
    """
    draft = temporary(path.parent)
    text = json.dumps(value, separators=(",", ":")).encode()
    # The clock of a file system ticks every few milliseconds, and of two files that replace each other the second next
    # gets the inode of the first: only a time of its own tells them apart.
    stamp = time.time_ns()
    try:
        with draft.open("wb") as file:
            file.write(text)
            file.flush()
            os.utime(file.fileno(), ns=(stamp, stamp))
            if durable:
                os.fsync(file.fileno())
            stat = os.fstat(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)
    return text, signature(stat) if stat.st_mtime_ns == stamp else None


def signature(stat: os.stat_result) -> tuple[int, int, int]:
    """What changes when a file is replaced by another one."""
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def link(source: Path, target: Path) -> None:
    """Give the data of `source` the new name `target`. Raises FileExistsError where the name is taken.

    Across devices, or where the file system has no hard links, the data is copied.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        if target.exists():
            raise FileExistsError(str(target)) from None
        draft = temporary(target.parent)
        try:
            shutil.copyfile(source, draft)
            sync(draft)
            draft.rename(target)
        finally:
            draft.unlink(missing_ok=True)


def link_over(source: Path, target: Path) -> None:
    """Make `target` another name of the data of `source`, replacing what was there in one step."""
    draft = temporary(target.parent)
    try:
        link(source, draft)
        draft.replace(target)
    finally:
        # Renaming one name of a file onto another name of the same file does nothing and leaves both.
        draft.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Ask the disk to keep a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
