"""Which file of a partition is live? A small JSON file beside the data says so, and is replaced
atomically."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from augury.errors import StorageFailed
from augury.warehouses.contract import Partition, TableColumn
from augury.warehouses.duckdb import layout
from augury.warehouses.duckdb.layout import DAY_PREFIX, POINTER, WHOLE

_SETTLED = 1_000_000_000
"""Nanoseconds. Clocks of file systems tick every few milliseconds: a pointer younger than this when it was
read may be replaced within the same tick, so it is not remembered."""


@dataclass(frozen=True)
class Pointer:
    partition: Partition
    file: str
    """Name of the live file in the partition's folder."""
    description: str = ""


@lru_cache(maxsize=4096)
def _columns(pairs: tuple[tuple[str, str], ...]) -> tuple[TableColumn, ...]:
    # Most partitions of a table share their columns; one tuple for all of them makes comparing them cheap.
    return tuple(TableColumn(name, kind) for name, kind in pairs)


def as_json(partition: Partition, file: str, description: str) -> dict[str, Any]:
    return {
        "table": partition.table,
        "day": partition.day.isoformat() if partition.day else None,
        "file": file,
        "rows": partition.rows,
        "bytes": partition.bytes,
        "run_id": partition.run_id,
        "fingerprint": partition.fingerprint,
        "created_at": partition.created_at.isoformat(),
        "description": description,
        "columns": [[column.name, column.type] for column in partition.columns],
        "facts": _plain(partition.facts),
    }


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date | datetime) else value for name, value in facts.items()}


def from_json(text: bytes, folder: str) -> Pointer:
    """Raises ValueError, KeyError or TypeError where `text` is not a pointer."""
    found = json.loads(text)
    file = str(found["file"])
    if "/" in file or file.startswith("."):
        raise ValueError(f"{file!r} is not a data file")
    partition = Partition(
        table=found["table"],
        day=date.fromisoformat(found["day"]) if found["day"] else None,
        run_id=found["run_id"],
        fingerprint=found["fingerprint"],
        rows=int(found["rows"]),
        bytes=int(found["bytes"]),
        columns=_columns(tuple((name, kind) for name, kind in found["columns"])),
        created_at=datetime.fromisoformat(found["created_at"]),
        path=f"{folder}{os.sep}{file}",
        facts=found["facts"],
    )
    return Pointer(partition, file, str(found.get("description", "")))


@dataclass
class Pointers:
    """Reads pointers, remembering what it parsed for as long as the file stays the same."""

    _seen: dict[str, tuple[tuple[int, int, int], Pointer]] = field(default_factory=dict)

    def read(self, folder: Path | str) -> Pointer | None:
        """The pointer of a partition's folder; None where there is none. Raises StorageFailed for a broken
        one."""
        path = f"{folder}{os.sep}{POINTER}"
        try:
            stat = os.stat(path)  # noqa: PTH116  called for every partition of a look-back
            signature = layout.signature(stat)
            known = self._seen.get(path)
            if known is not None and known[0] == signature:
                return known[1]
            with open(path, "rb") as file:  # noqa: PTH123
                text = file.read()
            pointer = from_json(text, str(folder))
        except (FileNotFoundError, NotADirectoryError):
            self._seen.pop(path, None)
            return None
        except OSError as error:
            raise StorageFailed(f"{path} cannot be read", why=error.strerror) from error
        except (ValueError, KeyError, TypeError) as error:
            raise StorageFailed(
                f"the pointer {path} cannot be read",
                why=f"{type(error).__name__}: {error}",
                fix="Remove that file and build the partition again.",
            ) from error
        if time.time_ns() - stat.st_mtime_ns > _SETTLED:
            self._seen[path] = (signature, pointer)
        return pointer

    def of_table(self, folders: Iterable[Path], *, strict: bool = False) -> dict[date, Pointer]:
        """Live partitions by day, ascending. A broken pointer is a missing partition, which is built again; to whoever
        reads (`strict`) it is an error, as rows would be missing without a word."""
        found: dict[date, Pointer] = {}
        for folder in folders:
            prefix = f"{folder}{os.sep}"
            for name in _names(folder):
                if name.startswith(DAY_PREFIX):
                    with suppress(ValueError, *(() if strict else (StorageFailed,))):
                        day = date.fromisoformat(name[len(DAY_PREFIX) :])
                        if (pointer := self.read(prefix + name)) is not None:
                            found[day] = pointer
        return dict(sorted(found.items()))

    def of_days(self, folders: Iterable[Path], days: Iterable[date]) -> list[Partition]:
        """Live partitions of these days. Raises StorageFailed for a broken pointer."""
        prefixes = [f"{folder}{os.sep}{DAY_PREFIX}" for folder in folders]
        prefixes.reverse()
        found: list[Partition] = []
        for day in days:
            name = day.isoformat()
            pointer = next((one for prefix in prefixes if (one := self.read(prefix + name))), None)
            if pointer is not None:
                found.append(pointer.partition)
        return found

    def whole(self, folders: Iterable[Path]) -> Pointer | None:
        found: Pointer | None = None
        for folder in folders:
            with suppress(StorageFailed):
                found = self.read(folder / WHOLE) or found
        return found

    def write(self, folder: Path, partition: Partition, file: str, description: str, *, durable: bool) -> None:
        text, signature = layout.replace(folder / POINTER, as_json(partition, file, description), durable=durable)
        if signature is not None:
            # Nobody else's pointer has this signature, so that whoever replaces or removes the file is noticed.
            self._seen[f"{folder}{os.sep}{POINTER}"] = (signature, from_json(text, str(folder)))


def _names(folder: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return os.listdir(folder)  # noqa: PTH208  names are all that is needed
    return []
