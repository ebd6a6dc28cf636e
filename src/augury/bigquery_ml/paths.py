"""Which file or folder on this machine does a URI in a statement mean?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import unquote, urlsplit

from augury.errors import StorageFailed, UsageError


class Places:
    """Paths below one folder; without it, whole `file:///` URIs only."""

    def __init__(self, root: Path | None) -> None:
        self._root = root.resolve() if root is not None else None

    def model(self, uri: str) -> Path:
        """The file of MODEL_PATH, which is there."""
        path = self._path(uri.removesuffix("*"))
        if path.is_dir():
            # BigQuery takes gs://bucket/folder/* for a model that is the one file of a folder.
            found = sorted(each for each in path.iterdir() if each.is_file())
            if len(found) != 1:
                raise UsageError(f"{uri} must hold exactly one model file, and holds {len(found)}")
            path = found[0]
        if not path.is_file():
            raise UsageError(f"there is no model file {uri}", why=str(path))
        return path

    @contextmanager
    def export(self, uri: str) -> Iterator[Path]:
        """A folder to write into; it appears under its name when everything is written."""
        target = self._path(uri)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{uri} is not an empty folder", fix="Name a folder that is not there yet.")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(mkdtemp(prefix=".export-", dir=target.parent))
        except OSError as error:
            raise StorageFailed(f"nothing can be written to {uri}", why=str(error)) from error
        try:
            draft.chmod(0o755)
            yield draft
            draft.replace(target)
        except OSError as error:
            raise StorageFailed(f"nothing can be written to {uri}", why=str(error)) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _path(self, uri: str) -> Path:
        parts = urlsplit(uri)
        if parts.scheme not in ("", "file") or parts.netloc:
            raise UsageError(
                f"{uri} is not on this machine",
                fix="Copy the files with `gsutil cp` and write file:///..., or keep the target on BigQuery.",
            )
        path = Path(unquote(parts.path) if parts.scheme else uri)
        if "\x00" in str(path):
            raise UsageError("a path cannot contain a NUL character")
        if self._root is None:
            if not parts.scheme or not path.is_absolute():
                raise UsageError(f"{uri} is no whole path", fix="Write file:///path/to/it.")
            return path
        resolved = (self._root / path).resolve()
        if not resolved.is_relative_to(self._root):
            raise UsageError(f"{uri} lies outside of the folder for model files", why=str(self._root))
        return resolved
