"""Which files does nobody need any more? Superseded data, and drafts of writers that died.

A file is never removed while its pointer names it, nor between the moments at which a writer names its file
and moves the pointer: writers hold a shared lock for that instant and the sweep an exclusive one. The
operating system releases the lock of a process that died.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path

from augury.errors import StorageFailed
from augury.warehouses.duckdb import layout
from augury.warehouses.duckdb.layout import POINTER, TEMPORARY, Layout
from augury.warehouses.duckdb.pointers import Pointers

_LOCK = "_sweep.lock"


@contextmanager
def naming(root: Path, *, alone: bool = False) -> Iterator[None]:
    """Hold the namespace's sweep lock: shared to name a file and move its pointer, `alone` to remove
    files."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system: the retention time alone keeps writers and sweep apart
        yield
        return
    descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def sweep(folders: Layout, pointers: Pointers, older_than: datetime) -> int:
    """Remove what nobody needed after `older_than`; how many files. Mends `_latest` where a crash left it
    behind."""
    limit = older_than.timestamp()
    removed = 0
    for table in folders.tables():
        for folder in folders.folders(table):
            for part in _subfolders(folder):
                with naming(folders.main, alone=True):
                    removed += _sweep_partition(part, pointers, limit)
    for root in folders.roots:
        removed += _mend_latest(root, folders, pointers, limit)
        for folder in (root, root / "_views", root / "_sources"):
            removed += _old_files(folder, limit, everything=folder.name == "_sources")
        for folder in _subfolders(root):
            if folder.name.startswith(TEMPORARY):  # a table whose drop was interrupted
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    for spill in _subfolders(folders.spill):
        if spill.stat().st_mtime < limit:
            shutil.rmtree(spill, ignore_errors=True)
            removed += 1
    return removed


def _sweep_partition(folder: Path, pointers: Pointers, limit: float) -> int:
    try:
        pointer = pointers.read(folder)
    except StorageFailed:
        return 0  # without its pointer nobody can say which file is live
    live = pointer.file if pointer else None
    moved = _changed(folder / POINTER) if pointer else folder.stat().st_mtime
    files = {path: _changed(path) for path in folder.iterdir() if path.name not in (live, POINTER)}
    drafts = [path for path in files if path.name.startswith(TEMPORARY)]
    old = [path for path in drafts if files[path] < limit]
    # A file was live until the next one was: no later than when that one got its name, or the pointer moved.
    superseded = sorted(
        (path for path in files if path.suffix == ".parquet" and path not in drafts), key=files.__getitem__
    )
    for place, path in enumerate(superseded, start=1):
        following = files[superseded[place]] if place < len(superseded) else moved
        until = max(files[path], following)
        if until < limit:
            old.append(path)
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _mend_latest(root: Path, folders: Layout, pointers: Pointers, limit: float) -> int:
    """A process that died between moving a pointer and refreshing the fixed name leaves the old data
    there."""
    removed = 0
    for folder in _subfolders(root / "_latest"):
        removed += _old_files(folder, limit)
        for path in folder.glob("*.parquet"):
            with suppress(ValueError, StorageFailed):
                day = date.fromisoformat(path.stem)
                with naming(folders.main, alone=True):
                    pointer = pointers.read(folders.partition(folder.name, day))
                    if pointer is None:
                        path.unlink(missing_ok=True)
                        removed += 1
                    elif _stale(Path(pointer.partition.path), path):
                        layout.link_over(Path(pointer.partition.path), path)
    return removed


def _stale(live: Path, fixed: Path) -> bool:
    # A copy, where there are no hard links, has another inode and never a time before its original's.
    theirs, ours = live.stat(), fixed.stat()
    return theirs.st_ino != ours.st_ino and (
        theirs.st_size != ours.st_size or theirs.st_mtime > ours.st_mtime or theirs.st_dev == ours.st_dev
    )


def _old_files(folder: Path, limit: float, *, everything: bool = False) -> int:
    removed = 0
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            wanted = path.name.startswith(TEMPORARY) or everything
            if wanted and path.is_file() and path.stat().st_mtime < limit:
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def _changed(path: Path) -> float:
    """When the file was written or last got or lost a name."""
    stat = path.stat()
    return max(stat.st_mtime, stat.st_ctime)


def _subfolders(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in folder.iterdir() if path.is_dir()]
    return []
