"""Can the target's folders be written, is there room in them, and what did dead writers leave there?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from augury.operations.finding import Finding
from augury.operations.opened import Opened

LEAST_FREE = 1_000_000_000
"""Bytes. Below, a backfill may fill the disk before anybody looks again."""
_PATIENCE = timedelta(hours=1)
"""No writer keeps a draft that long."""


def folders(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Folders that cannot be written, and disks that are nearly full."""
    seen: set[int] = set()
    for folder in _places(opened):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        found = [unwritable(existing, os.access(existing, os.W_OK | os.X_OK))]
        device = existing.stat().st_dev
        if device not in seen:
            seen.add(device)
            found.append(nearly_full(existing, shutil.disk_usage(existing).free))
        yield from filter(None, found)


def unwritable(folder: Path, writable: bool) -> Finding | None:
    """The finding about a folder that this user may not write; None where it may be written."""
    if writable:
        return None
    return Finding(f"{folder} cannot be written", "this user has no write access", f"chmod u+wx {folder}")


def nearly_full(folder: Path, free: int) -> Finding | None:
    """The finding about a disk with so many bytes free; None where that is enough."""
    if free >= LEAST_FREE:
        return None
    return Finding(
        f"the disk of {folder} is nearly full",
        f"{free / 1e6:,.0f} MB are free",
        "Free some space. Of augury's own: augury clean --step STEP --start A --end B, for old dates of early steps",
    )


def leftovers(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Drafts that nobody will finish. With `fix` they are removed, and superseded data past its retention too."""
    limit = opened.clock() - max(timedelta(days=opened.spec.target.retention), _PATIENCE)
    drafts = [path for path in _drafts(opened) if _older(path, limit)]
    own = [path for path in _own_drafts(opened) if _older(path, limit)]
    if not drafts and not own:
        return
    size = sum(_size(path) for path in (*drafts, *own))
    if fix:
        opened.warehouse.sweep(limit)
        for path in own:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    left = [path for path in (*drafts, *own) if path.exists()]
    yield Finding(
        f"{len(drafts) + len(own)} leftovers of writers that died, {size / 1e6:,.1f} MB",
        f"e.g. {(*drafts, *own)[0]}",
        "Removed." if not left else "No reader sees them. Remove them: augury doctor --fix",
        mended=not left,
    )


def _drafts(opened: Opened) -> Iterator[Path]:
    """Of the warehouse, which sweeps them itself."""
    for root in _places(opened):
        yield from root.rglob(".tmp-*")


def _own_drafts(opened: Opened) -> Iterator[Path]:
    """Of models, references and the ledger."""
    for folder in (opened.models, opened.references_folder):
        for path in folder.rglob(".*"):
            # A model that was moved aside is the only one there is until the new one has its name.
            replaced = path.name.rsplit(".", 2)[0].removeprefix(".")
            if not path.name.endswith(".old") or path.with_name(replaced).exists():
                yield path
    yield from opened.home.glob("_ledger.db.*.tmp*")


def _places(opened: Opened) -> list[Path]:
    """Every folder that the target writes to, whether it exists yet or not."""
    output = opened.spec.target.output
    places = [opened.home, opened.models]
    if output is not None and "://" not in output:
        places.append(opened.spec.root / output / opened.spec.namespace)
    return [place for at, place in enumerate(places) if not any(place.is_relative_to(one) for one in places[:at])]


def _older(path: Path, limit: datetime) -> bool:
    with suppress(OSError):
        return path.lstat().st_mtime < limit.timestamp()
    return False


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(_size(below) for below in path.iterdir())
    with suppress(OSError):
        return path.lstat().st_size
    return 0
