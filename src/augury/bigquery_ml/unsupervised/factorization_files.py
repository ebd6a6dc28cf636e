"""What is a matrix factorization made of, and how is it kept?

Factors by number in npz; the values that name users and items in an Arrow file each, with their type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.unsupervised.factors import Codes, Factors
from augury.bigquery_ml.unsupervised.files import broken, read_arrays, write_arrays
from augury.bigquery_ml.unsupervised.values import one_array
from augury.errors import ModelFailed
from augury.models.signature import read_json

CARD, ARRAYS, KEYS = "factorization.json", "factorization.npz", ("users.arrow", "items.arrow")
FILES = (CARD, ARRAYS, *KEYS)
PARTS = ("users", "items", "user_intercepts", "item_intercepts")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Trial(_Data):
    trial_id: int
    hyperparameters: dict[str, float]
    losses: tuple[tuple[float, float | None, int], ...] = ()
    """Per iteration: of training, of the rows held back, milliseconds."""
    metrics: dict[str, float | None] = {}
    """Of the test rows; without these of the ones held back; without these of training."""
    objective: float | None = None
    error: str | None = None


class Card(_Data):
    user: tuple[str, str]
    """Name and BigQuery type."""
    item: tuple[str, str]
    rating: str
    implicit: bool
    tuned: bool
    tuned_names: tuple[str, ...]
    objective: str
    best: int
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Keys:
    """Which users and items have factors, in the order of these."""

    users: Any
    items: Any

    def user_codes(self, column: Any) -> Codes:
        return _codes(column, self.users)

    def item_codes(self, column: Any) -> Codes:
        return _codes(column, self.items)


def _codes(column: Any, keys: Any) -> Codes:
    """Positions among the keys, -1 for none."""
    import pyarrow.compute as pc

    plain = one_array(column)
    if plain.type != keys.type:
        try:
            plain = plain.cast(keys.type)
        except pa.ArrowInvalid as error:
            raise ModelFailed("a user or an item does not fit the type of training", why=str(error)) from error
    found: Codes = pc.index_in(plain, value_set=keys, skip_nulls=True).fill_null(-1).cast(pa.int64()).to_numpy()
    return found


def write(folder: Path, card: Card, keys: Keys, factors: Mapping[int, Factors]) -> None:
    (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    arrays = {f"{name}_{trial}": getattr(found, name) for trial, found in factors.items() for name in PARTS}
    write_arrays(folder / ARRAYS, {**arrays, "means": np.array([found.mean for found in factors.values()])})
    for file, values in zip(KEYS, (keys.users, keys.items), strict=True):
        batch = pa.RecordBatch.from_arrays([values], names=["key"])
        with pa.OSFile(str(folder / file), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)


def read(folder: Path) -> tuple[Card, Keys, dict[int, Factors]]:
    """Raises ModelFailed."""
    card = read_json(Card, folder / CARD)
    kept = [trial.trial_id for trial in card.trials if trial.error is None]
    arrays = read_arrays(folder / ARRAYS, ["means", *(f"{name}_{trial}" for trial in kept for name in PARTS)])
    keys = Keys(*(_read_keys(folder / file) for file in KEYS))
    factors: dict[int, Factors] = {}
    for at, trial in enumerate(kept):
        found = Factors(**{name: arrays[f"{name}_{trial}"] for name in PARTS}, mean=float(arrays["means"][at]))
        count = found.users.shape[-1]
        wanted = ((len(keys.users), count), (len(keys.items), count), (len(keys.users),), (len(keys.items),))
        if tuple(getattr(found, name).shape for name in PARTS) != wanted:
            raise broken(folder / ARRAYS, "it does not fit the model's users and items")
        factors[trial] = found
    if card.best not in factors:
        raise broken(folder / CARD, "its best trial is not there")
    return card, keys, factors


def _read_keys(path: Path) -> Any:
    try:
        with pa.OSFile(str(path), "rb") as source:
            return pa.ipc.open_file(source).read_all().column("key").combine_chunks()
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise broken(path, str(error)) from error
