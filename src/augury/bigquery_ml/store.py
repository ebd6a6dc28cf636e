"""Where do trained models lie, and how is one replaced while others read it?

    ROOT/<model>/manifest.json       which artifact is the model
    ROOT/<model>/<version>/          the artifact

An artifact is written beside the one in use and the manifest renamed over the old one, so a reader has the old model
or the new one. A reader that holds the old manifest when the old artifact goes reads the manifest again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from augury.bigquery_ml.manifest import Manifest, Name
from augury.errors import StorageFailed, UsageError

_MANIFEST = "manifest.json"
_ABANDONED_AFTER = 86_400.0
"""Seconds after which an artifact that no manifest names belongs to a training that died."""
T = TypeVar("T")


def folder_name(name: Name) -> str:
    """Readable, the same on file systems that do not tell letter cases apart, and never a path."""
    text = ".".join(name)
    readable = re.sub(r"[^a-z0-9_.-]", "_", text.lower()).lstrip(".")[-80:]
    return f"{readable}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


class ModelStore:
    """Models in a folder; safe for several threads and processes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, name: Name) -> Manifest | None:
        """Raises StorageFailed where the manifest cannot be read."""
        return self._read(self._folder(name) / _MANIFEST)

    def readable(self, name: Name) -> Manifest | None:
        """None also for a manifest that cannot be read: one that is to be replaced or dropped need not be."""
        with suppress(StorageFailed):
            return self.get(name)
        return None

    def list(self) -> tuple[Manifest, ...]:
        """By name. A damaged manifest hides its own model only."""
        found: list[Manifest] = []
        for path in self.root.glob(f"*/{_MANIFEST}"):
            with suppress(StorageFailed):
                if (manifest := self._read(path)) is not None:
                    found.append(manifest)
        return tuple(sorted(found, key=lambda manifest: manifest.name))

    @contextmanager
    def drafting(self, name: Name) -> Iterator[tuple[str, Path]]:
        """(version, empty folder) for an artifact; what no manifest names in the end is removed."""
        self._tidy(name)
        version = f"v-{uuid4().hex}"
        folder = self._folder(name) / version
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise _failed(folder, error) from error
        try:
            yield version, folder
        finally:
            current = self.readable(name)
            if current is None or current.version != version:
                shutil.rmtree(folder, ignore_errors=True)
                with suppress(OSError):
                    folder.parent.rmdir()

    def create(self, manifest: Manifest) -> None:
        """Raises UsageError where a model of this name appeared in the meantime."""
        with self._written(manifest) as path:
            try:
                os.link(path, self._folder(manifest.name) / _MANIFEST)
            except FileExistsError:
                raise exists(manifest.name) from None

    def replace(self, manifest: Manifest) -> None:
        """The model is this one from now on, whatever was there."""
        with self._alone():
            self._replace(manifest)

    def alter(self, name: Name, change: Callable[[Manifest], Manifest]) -> Manifest | None:
        """None where there is no such model."""
        with self._alone():
            before = self.get(name)
            if before is None:
                return None
            after = change(before)
            self._replace(after)
            return after

    def drop(self, name: Name) -> bool:
        """Whether there was one."""
        folder = self._folder(name)
        if not (folder / _MANIFEST).exists():
            return False
        with self._alone():
            before = self.readable(name)
            try:
                (folder / _MANIFEST).unlink()
            except FileNotFoundError:
                return False
            except OSError as error:
                raise _failed(folder, error) from error
        if before is not None:
            shutil.rmtree(folder / before.version, ignore_errors=True)
        with suppress(OSError):
            folder.rmdir()
        return True

    def load(self, name: Name, read: Callable[[Manifest, Path], T]) -> T | None:
        """What `read` makes of the artifact, whose files are those that were written; None where there is no model."""
        manifest = self.get(name)
        while manifest is not None:
            folder = self._folder(name) / manifest.version
            try:
                verify(folder, manifest.files)
                return read(manifest, folder)
            except (StorageFailed, OSError):
                again = self.get(name)
                if again is None or again.version == manifest.version:
                    raise
                manifest = again
        return None

    def _replace(self, manifest: Manifest) -> None:
        before = self.readable(manifest.name)
        with self._written(manifest) as path:
            path.replace(self._folder(manifest.name) / _MANIFEST)
        if before is not None and before.version != manifest.version:
            shutil.rmtree(self._folder(manifest.name) / before.version, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other change of a manifest meanwhile, by whatever process; readers do not wait."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _failed(self.root, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _folder(self, name: Name) -> Path:
        return self.root / folder_name(name)

    def _read(self, path: Path) -> Manifest | None:
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise _failed(path, error) from error
        return Manifest.from_json(text, str(path))

    @contextmanager
    def _written(self, manifest: Manifest) -> Iterator[Path]:
        folder = self._folder(manifest.name)
        path = folder / f"manifest-{uuid4().hex}"
        try:
            # Whatever a manifest names is on disk before the manifest is.
            artifact = folder / manifest.version
            sync(*_files(artifact), artifact)
            with path.open("w", encoding="utf-8") as file:
                file.write(manifest.to_json())
                file.flush()
                os.fsync(file.fileno())
            yield path
            # And it names the new artifact for good before the old one is removed.
            sync(folder)
        except OSError as error:
            raise _failed(path, error) from error
        finally:
            path.unlink(missing_ok=True)

    def _tidy(self, name: Name) -> None:
        """Remove what trainings that died have left."""
        current = self.readable(name)
        for path in self._folder(name).glob("v-*"):
            with suppress(OSError):
                abandoned = time.time() - path.stat().st_mtime > _ABANDONED_AFTER
                if abandoned and (current is None or path.name != current.version):
                    shutil.rmtree(path, ignore_errors=True)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of an artifact."""
    found: dict[str, str] = {}
    for path in _files(folder):
        with path.open("rb") as file:
            found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def sync(*paths: Path) -> None:
    """What these files and folders say is on disk when this returns."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def verify(folder: Path, files: Mapping[str, str]) -> None:
    """Raises StorageFailed unless the folder holds exactly what was written."""
    if not folder.is_dir():
        raise StorageFailed(f"{folder} is not there", fix="Train the model again.")
    now = digests(folder)
    if now == files:
        return
    wrong = sorted(path for path in {*now, *files} if now.get(path) != files.get(path))
    raise StorageFailed(
        f"the files of a model are not those that were written: {', '.join(wrong)}",
        why=str(folder),
        fix="Train the model again with CREATE OR REPLACE MODEL.",
    )


def exists(name: Name) -> UsageError:
    return UsageError(
        f"there is already a model called {'.'.join(name)}",
        fix="Write CREATE OR REPLACE MODEL to train it anew, or CREATE MODEL IF NOT EXISTS to keep it.",
    )


def _failed(path: Path, error: Exception) -> StorageFailed:
    return StorageFailed(f"the models in {path.parent} cannot be read or written", why=str(error))
