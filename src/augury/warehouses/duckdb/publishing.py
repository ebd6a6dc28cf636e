"""How does a staged partition become what people read? By a second name for the same file, synced before the
swap."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from augury.errors import DataRefused, Place
from augury.fences import Fence
from augury.warehouses.contract import Partition, Write
from augury.warehouses.duckdb import layout, refusals
from augury.warehouses.duckdb.fences import Fences
from augury.warehouses.duckdb.layout import POINTER, Layout
from augury.warehouses.duckdb.pointers import Pointers
from augury.warehouses.duckdb.sweeping import naming
from augury.warehouses.duckdb.writes import give_name


class Publisher:
    """Publishes, removes and copies partitions of one namespace."""

    def __init__(self, folders: Layout, pointers: Pointers, fences: Fences, clock: Callable[[], datetime]) -> None:
        self._layout = folders
        self._pointers = pointers
        self._fences = fences
        self._clock = clock
        self._local = threading.local()

    def publish(self, from_table: str, day: date, write: Write) -> Partition:
        """Order: sync the data, name it, move the pointer, sync both names, refresh the fixed name.

        The two names lie in one folder, and no journal keeps a later change of a folder without an earlier one.
        """
        layout.checked_run_id(write.run_id)
        layout.checked_table(write.table)
        staged = self._pointers.read(self._layout.partition(from_table, day))
        if staged is None:
            raise DataRefused(
                f"{from_table} has no partition of {day} to publish",
                where=Place(date=day.isoformat()),
                fix=f"Build it first: augury run PIPELINE --date {day}",
            )
        source = Path(staged.partition.path)
        folder = self._layout.partition(write.table, day, published=True)
        try:
            _whole(source, staged.partition)
            _make(folder)
            self._sync_once(source)
            with naming(self._layout.main), self._fences.passing(write.fence):
                path = give_name(source, folder, write.run_id)
                partition = Partition(
                    table=write.table,
                    day=day,
                    run_id=write.run_id,
                    fingerprint=write.fingerprint,
                    rows=staged.partition.rows,
                    bytes=staged.partition.bytes,
                    columns=staged.partition.columns,
                    created_at=self._clock(),
                    path=str(path),
                    facts=dict(write.facts),
                )
                self._pointers.write(folder, partition, path.name, write.description, durable=True)
                self._refresh(write.table, day, path)
        except OSError as error:
            raise refusals.of_system(error, folder) from error
        return partition

    def _sync_once(self, path: Path) -> None:
        """Data files never change, and the archive publishes the one that was published just before."""
        stat = path.stat()
        file = (stat.st_dev, stat.st_ino, stat.st_mtime_ns)
        if file != getattr(self._local, "synced", None):
            layout.sync(path)
            self._local.synced = file

    def _refresh(self, table: str, day: date, path: Path) -> None:
        fixed = self._layout.latest(table, day)
        fixed.parent.mkdir(parents=True, exist_ok=True)
        layout.link_over(path, fixed)

    def remove(self, table: str, day: date | None, fence: Fence | None = None) -> bool:
        """The pointer goes first, so that readers lose the whole partition at once; `sweep` takes the
        data."""
        removed = False
        with self._fences.passing(fence):
            for folder in self._layout.partitions(table, day):
                try:
                    (folder / POINTER).unlink()
                    removed = True
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError as error:
                    raise refusals.of_system(error, folder) from error
            if removed and day is not None:
                with suppress(FileNotFoundError):
                    self._layout.latest(table, day).unlink()
        return removed

    def copy_table(self, table: str, target: Layout, name: str) -> int:
        """Give every live partition of `table` a place in `target`'s table `name`; how many. Hard links where
        possible."""
        live = self._pointers.of_table(self._layout.folders(table))
        parts: list[Partition] = [pointer.partition for pointer in live.values()]
        if (whole := self._pointers.whole(self._layout.folders(table))) is not None:
            parts.append(whole.partition)
        published = (self._layout.latest(table, parts[0].day).parent.is_dir()) if parts and parts[0].day else False
        for partition in parts:
            folder = target.partition(name, partition.day, published=published)
            try:
                _make(folder)
                with naming(target.main):
                    path = give_name(Path(partition.path), folder, partition.run_id)
                    layout.sync(path)
                    copied = Partition(**{**vars(partition), "table": name, "path": str(path)})
                    self._pointers.write(folder, copied, path.name, "", durable=True)
                    if published and partition.day is not None:
                        fixed = target.latest(name, partition.day)
                        fixed.parent.mkdir(parents=True, exist_ok=True)
                        layout.link_over(path, fixed)
            except OSError as error:
                raise refusals.of_system(error, folder) from error
        return len(parts)


def _whole(path: Path, partition: Partition) -> None:
    """Raise StorageFailed unless the file is as long as it was written and begins and ends as Parquet does."""
    why = None
    try:
        with path.open("rb") as file:
            head = file.read(4)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 4))
            tail = file.read(4)
        if size != partition.bytes:
            why = f"it has {size} bytes instead of {partition.bytes}"
        elif not head == tail == b"PAR1":
            why = "it is not a whole Parquet file"
    except FileNotFoundError:
        why = "the file is missing"
    if why:
        raise refusals.unreadable_partition(partition.table, partition.day, str(path), why)


def _make(folder: Path) -> None:
    """Create a folder so that a power cut keeps it."""
    if folder.is_dir():
        return
    new = [folder, *[parent for parent in folder.parents if not parent.exists()]]
    folder.mkdir(parents=True, exist_ok=True)
    for path in new:
        layout.sync(path.parent)
