"""Which table does a view show? One small JSON file per view, replaced atomically."""

from __future__ import annotations

import json
import os
from contextlib import suppress

from augury.errors import StorageFailed, UsageError
from augury.warehouses.duckdb import layout, refusals
from augury.warehouses.duckdb.layout import Layout


class Views:
    """The views of one namespace."""

    def __init__(self, folders: Layout) -> None:
        self._layout = folders

    def set(self, name: str, table: str) -> None:
        path = self._layout.view(name)
        layout.checked_table(table)
        if any(folder.is_dir() for folder in self._layout.folders(name)):
            raise UsageError(f"{name} is a table and cannot become a view")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            layout.replace(path, {"table": table}, durable=True)
        except OSError as error:
            raise refusals.of_system(error, path) from error

    def get(self, name: str) -> str | None:
        path = self._layout.view(name)
        try:
            return layout.checked_table(json.loads(path.read_text("utf-8"))["table"])
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageFailed(
                f"the view {path} cannot be read", why=str(error), fix="Set it again: augury set-version"
            ) from error

    def drop(self, name: str) -> bool:
        with suppress(FileNotFoundError):
            self._layout.view(name).unlink()
            return True
        return False

    def names(self) -> tuple[str, ...]:
        with suppress(FileNotFoundError):
            found = os.listdir(self._layout.main / "_views")  # noqa: PTH208
            return tuple(sorted(name[:-5] for name in found if name.endswith(".json") and name[0] != "."))
        return ()
