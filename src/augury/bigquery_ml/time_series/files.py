"""How does a trained model lie in a folder?

`time_series.json` says what it is, with every number written so that it reads back the same; `time_series.npz` holds
the long arrays, those of all series end to end. Neither can hold code.
"""

from __future__ import annotations

import json
import zipfile
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.time_series.arima import Arima, Candidate
from augury.bigquery_ml.time_series.columns import Column
from augury.bigquery_ml.time_series.fitted import Fit, Fitted, History, Series
from augury.bigquery_ml.time_series.grids import Grid
from augury.bigquery_ml.time_series.options import Options
from augury.bigquery_ml.time_series.regressors import Regressor
from augury.bigquery_ml.time_series.seasons import Season
from augury.errors import ModelFailed

FACTS = "time_series.json"
ARRAYS = "time_series.npz"
FORMAT = 1

Vector = npt.NDArray[np.float64]


class _Writer:
    """Arrays of all series, end to end by name; what is written into the facts is their length."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Vector]] = defaultdict(list)

    def add(self, name: str, values: Vector | None) -> int | None:
        if values is None:
            return None
        self.parts[name].append(values)
        return len(values)

    def whole(self) -> dict[str, Vector]:
        return {name: np.concatenate(parts) for name, parts in self.parts.items()}


class _Reader:
    """The same, taken off in the same order."""

    def __init__(self, arrays: dict[str, Vector]) -> None:
        self.arrays = arrays
        self.at: dict[str, int] = defaultdict(int)

    def take(self, name: str, length: int) -> Vector:
        start = self.at[name]
        self.at[name] = start + length
        found = self.arrays[name][start : start + length]
        if len(found) != length:
            raise ValueError(f"{name} ends early")
        return found

    def maybe(self, name: str, length: int | None) -> Vector | None:
        return None if length is None else self.take(name, length)


def save(model: Fitted, folder: Path) -> None:
    writer = _Writer()
    facts = {
        "format": FORMAT,
        "model_type": model.model_type,
        "options": asdict(model.options),
        "timestamp": asdict(model.timestamp),
        "data": asdict(model.data),
        "ids": [asdict(column) for column in model.ids],
        "regressors": [asdict(regressor) for regressor in model.regressors],
        "series": [
            {"key": series.key, "error": series.error, "fit": _written(series.fit, writer) if series.fit else None}
            for series in model.series
        ],
    }
    (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False) + "\n", encoding="utf-8")
    arrays: dict[str, Any] = writer.whole()
    np.savez(folder / ARRAYS, allow_pickle=False, **arrays)


def load(folder: Path, model_type: str) -> Fitted:
    """Raises ModelFailed where the files are missing or do not say what they should."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        with np.load(folder / ARRAYS, allow_pickle=False) as archive:
            reader = _Reader({name: np.asarray(archive[name], dtype=np.float64) for name in archive.files})
        if facts["format"] != FORMAT:
            raise ValueError(f"format {facts['format']}, this version reads {FORMAT}")
        if facts["model_type"] != model_type:
            raise ValueError(f"it holds a model of type {facts['model_type']}, not {model_type}")
        return Fitted(
            facts["model_type"],
            Options(**_tuples(facts["options"])),
            Column(**_tuples(facts["timestamp"])),
            Column(**_tuples(facts["data"])),
            tuple(Column(**_tuples(column)) for column in facts["ids"]),
            tuple(Regressor(**_tuples(regressor)) for regressor in facts["regressors"]),
            tuple(
                Series(_tuple(item["key"]), _read(item["fit"], reader) if item["fit"] else None, item["error"])
                for item in facts["series"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelFailed(
            f"the files of the {model_type} model cannot be read", why=str(error), fix="Train the model again."
        ) from error


def _written(fit: Fit, writer: _Writer) -> dict[str, Any]:
    history = fit.history
    return {
        "grid": asdict(fit.grid),
        "length": fit.length,
        "arima": asdict(fit.arima),
        "candidates": [asdict(candidate) for candidate in fit.candidates],
        "seasons": [
            {
                "name": season.name,
                "period": season.period,
                "share": season.share,
                "phases": writer.add(f"phases_{season.name}", season.phases),
                "history": writer.add(f"season_{season.name}", season.history if history else np.empty(0)),
            }
            for season in fit.seasons
        ],
        "weights": fit.weights.tolist(),
        "naive_error": fit.naive_error,
        "has_spikes": fit.has_spikes,
        "has_steps": fit.has_steps,
        "history": {
            "data": writer.add("data", history.data),
            "trend": writer.add("trend", history.trend),
            "spikes": writer.add("spikes", history.spikes),
            "steps": writer.add("steps", history.steps),
            "attributions": [writer.add("attributions", part) for part in history.attributions],
        }
        if history
        else None,
    }


def _read(facts: dict[str, Any], reader: _Reader) -> Fit:
    arima = _tuples(facts["arima"])
    seasons = tuple(
        Season(
            name=item["name"],
            period=item["period"],
            share=item["share"],
            phases=reader.take(f"phases_{item['name']}", item["phases"]),
            history=reader.take(f"season_{item['name']}", item["history"]),
        )
        for item in facts["seasons"]
    )
    history = facts["history"]
    return Fit(
        Grid(**facts["grid"]),
        facts["length"],
        Arima(**{**arima, "chosen": Candidate(**facts["arima"]["chosen"])}),
        tuple(Candidate(**candidate) for candidate in facts["candidates"]),
        seasons,
        np.array(facts["weights"], dtype=np.float64),
        facts["naive_error"],
        facts["has_spikes"],
        facts["has_steps"],
        History(
            reader.take("data", history["data"]),
            reader.take("trend", history["trend"]),
            reader.maybe("spikes", history["spikes"]),
            reader.maybe("steps", history["steps"]),
            tuple(reader.take("attributions", length) for length in history["attributions"]),
        )
        if history
        else None,
    )


def _tuples(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: _tuple(value) for name, value in facts.items()}


def _tuple(value: Any) -> Any:
    """JSON has no tuples."""
    return tuple(_tuple(part) for part in value) if isinstance(value, list) else value
