"""Did somebody edit the project while it is served? Then it is read again, and what cannot be read is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from augury.operations.opened import Opened
from augury.spec.files import ProjectSpec
from augury.spec.secrets import Masker
from augury.sql.compiler import Compiler

READ = ("pipelines", "macros", "reference")
"""Folders whose files make up a project, beside augury.yml."""
KINDS = (".yml", ".yaml", ".sql", ".py", ".csv", ".txt", ".ubj", ".json")
"""Endings of what is read: whatever else a hook may write beside it changes nothing."""

Signature = tuple[tuple[str, int, int], ...]


class Reloading:
    """What was read last, and whether the files are still the same."""

    def __init__(self, opened: Opened, read: Callable[[], ProjectSpec]) -> None:
        """`read` reads the project anew, for the same target and with the same variables."""
        self._root = opened.spec.root
        self._read = read
        self._seen = _signature(self._root)

    def once(self, opened: Opened) -> Opened | None:
        """The project with its files as they are now; None where nothing changed.

        Warehouse and ledger stay the ones that are open: another target is for another process. Raises SpecError
        where the files cannot be used, once for every change of them.
        """
        found = _signature(self._root)
        if found == self._seen:
            return None
        self._seen = found
        spec = self._read()
        compiler = Compiler(spec.macros, opened.warehouse.features.dialect)
        return replace(opened, spec=spec, masker=Masker(spec.secrets), compiler=compiler)


def _signature(root: Path) -> Signature:
    """Name, size and time of every file; a few microseconds each."""
    found = [_entry(root / "augury.yml")]
    for folder in READ:
        for place, folders, files in os.walk(root / folder):
            folders[:] = [name for name in folders if not name.startswith((".", "__"))]
            found += [_entry(Path(place, name)) for name in files if name.endswith(KINDS)]
    return tuple(sorted(found))


def _entry(path: Path) -> tuple[str, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), stat.st_size, stat.st_mtime_ns
