"""Which trained model does a name mean?"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from augury.bigquery_ml.contract import TrainedModel
from augury.bigquery_ml.manifest import Manifest, Name
from augury.bigquery_ml.store import ModelStore
from augury.bigquery_ml.types import Types
from augury.errors import StorageFailed, UsageError, nearest
from augury.sql.bigquery_ml.transform import BoundTransform

_KEPT = 8
"""Loaded models that stay in memory."""


@dataclass(frozen=True)
class Loaded:
    manifest: Manifest
    model: TrainedModel
    transform: BoundTransform | None

    @property
    def shown(self) -> str:
        return ".".join(self.manifest.name)


class Models:
    """Models of a store, loaded once each. Safe for several threads."""

    def __init__(self, store: ModelStore, types: Types, clock: Callable[[], datetime], threads: int) -> None:
        self._store = store
        self._types = types
        self._clock = clock
        self._threads = threads
        self._loaded: OrderedDict[tuple[Name, str], Loaded] = OrderedDict()
        self._lock = Lock()

    def manifest(self, name: Name) -> Manifest | None:
        """None for a model that is not there, or that has expired."""
        found = self._store.get(name)
        return None if found is None or found.expired(self._clock()) else found

    def list(self) -> tuple[Manifest, ...]:
        now = self._clock()
        return tuple(manifest for manifest in self._store.list() if not manifest.expired(now))

    def get(self, name: Name) -> Loaded:
        """Raises UsageError with the nearest name, StorageFailed and ModelFailed."""
        manifest = self.manifest(name)
        if manifest is None:
            raise self.missing(name)
        key = (name, manifest.version)
        with self._lock:
            found = self._loaded.get(key)
            if found is not None:
                self._loaded.move_to_end(key)
        if found is not None:
            return Loaded(manifest, found.model, found.transform)
        loaded = self._store.load(name, self._load)
        if loaded is None:
            raise self.missing(name)
        with self._lock:
            self._loaded[name, loaded.manifest.version] = loaded
            while len(self._loaded) > _KEPT:
                self._loaded.popitem(last=False)
        return loaded

    def missing(self, name: Name) -> UsageError:
        known = {".".join(manifest.name): manifest for manifest in self.list()}
        close = nearest(".".join(name), known)
        fix = f"Did you mean {close}?" if close else f"There are: {', '.join(known) or 'no models yet'}."
        return UsageError(f"there is no model called {'.'.join(name)}", fix=f"{fix} CREATE MODEL trains one.")

    def _load(self, manifest: Manifest, folder: Path) -> Loaded:
        model = self._types.get(manifest.model_type).load(folder, manifest.model_type, self._threads)
        try:
            transform = BoundTransform.from_dict(manifest.transform) if manifest.transform is not None else None
        except (KeyError, TypeError) as error:
            raise StorageFailed(f"the TRANSFORM of the model {'.'.join(manifest.name)} is damaged") from error
        return Loaded(manifest, model, transform)
