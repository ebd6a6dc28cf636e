"""Is a loaded model the saved one, bit for bit, and are calls independent of batches and of each other?"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Call, ModelType, TrainedModel
from augury.bigquery_ml.time_series.types import ArimaPlus, ArimaPlusXreg
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_time_series.series_room import ask, days, noise, rows, train, wave


def table(count: int = 90) -> pa.Table:
    """Two series that use everything: a week, a spike, a step; and one that is too short."""
    values = np.concatenate([50 + wave(count, 7) + noise(count), np.cumsum(noise(count, seed=2))])
    values[20] += 50
    values[count + 40 :] += 30
    long = pa.table({"id": ["a"] * count + ["b"] * count, "t": days(count) * 2, "y": values})
    return pa.concat_tables([long, pa.table({"id": ["short"], "t": days(1), "y": [1.0]})])


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return train(table(), time_series_id_col=["id"], forecast_limit_upper_bound=1e6)


@pytest.fixture(scope="module")
def explained() -> TrainedModel:
    return train(table(), time_series_id_col=["id"], auto_arima_max_order=1)


@pytest.fixture(scope="module")
def regressed() -> TrainedModel:
    past = (
        table()
        .append_column("x", pa.array(np.arange(181.0)))
        .append_column("w", pa.array(["p", "q", None] * 60 + ["p"]))
    )
    return train(past, model_type="arima_plus_xreg", time_series_id_col="id", auto_arima_max_order=1)


def future() -> pa.Table:
    later = days(97)[90:]
    return pa.table(
        {
            "id": ["a"] * 7 + ["b"] * 7,
            "t": later * 2,
            "y": noise(14),
            "x": np.arange(14.0),
            "w": ["p", None] * 7,
        }
    )


def asked(model: TrainedModel, batch: int | None = None) -> dict[str, pa.Table]:
    """Every answer."""
    needs = future() if model.model_type == "arima_plus_xreg" else None
    out = {
        "forecast": ask(model, "forecast", needs, horizon=7, batch=batch),
        "evaluate": ask(model, "evaluate", future(), batch=batch),
        "errors": ask(model, "evaluate", future(), perform_aggregation=False, batch=batch),
        "fit": ask(model, "evaluate"),
        "candidates": ask(model, "arima_evaluate", show_all_candidate_models=True),
        "coefficients": ask(model, "arima_coefficients"),
        "past": ask(model, "detect_anomalies"),
        "new": ask(model, "detect_anomalies", future(), anomaly_prob_threshold=0.9, batch=batch),
        "info": ask(model, "training_info"),
    }
    with suppress(UsageError):  # A model with limits is not explained.
        out["explained"] = ask(model, "explain_forecast", needs, horizon=7, batch=batch)
    return out


@pytest.mark.parametrize("name", ["model", "explained", "regressed"])
def test_a_loaded_model_answers_bit_for_bit(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    trained: TrainedModel = request.getfixturevalue(name)
    trained.save(tmp_path)
    kind = ArimaPlusXreg if name == "regressed" else ArimaPlus
    loaded = kind.load(tmp_path, trained.model_type, 2)
    assert loaded.features == trained.features
    before, after = asked(trained), asked(loaded)
    assert {key for key in before if not before[key].equals(after[key])} == set()
    assert ("explained" in before) == (name != "model")


@pytest.mark.parametrize("name", ["explained", "regressed"])
def test_batches_of_one_seven_and_all_answer_the_same(name: str, request: pytest.FixtureRequest) -> None:
    trained: TrainedModel = request.getfixturevalue(name)
    whole = asked(trained)
    for size in (1, 7):
        part = asked(trained, size)
        assert {key for key in whole if not whole[key].equals(part[key])} == set()


def test_the_schema_is_known_before_the_first_row(explained: TrainedModel) -> None:
    stream = explained.call(Call("evaluate", rows=future().to_reader(), settings={"perform_aggregation": False}))
    assert "forecasted_y" in stream.schema.names


def test_threads_may_ask_at_once(explained: TrainedModel) -> None:
    alone = asked(explained)
    with ThreadPoolExecutor(4) as pool:
        for answers in pool.map(lambda _: asked(explained), range(8)):
            assert all(answers[key].equals(alone[key]) for key in alone)


def test_the_same_training_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        train(table(), time_series_id_col="id", auto_arima_max_order=1).save(tmp_path / name)
    for file in ("time_series.json", "time_series.npz"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    with ZipFile(tmp_path / "one" / "time_series.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_later_rows_never_change_the_model(explained: TrainedModel, tmp_path: Path) -> None:
    """Poison: what comes after training is compared with the forecast and goes nowhere else."""
    before = ask(explained, "forecast", horizon=30)
    wild = future().set_column(2, "y", pa.array([1e12] * 14))
    ask(explained, "evaluate", wild)
    ask(explained, "detect_anomalies", wild, anomaly_prob_threshold=0.5)
    assert ask(explained, "forecast", horizon=30).equals(before)


def test_a_longer_horizon_repeats_the_shorter_one(explained: TrainedModel) -> None:
    long = ask(explained, "forecast", horizon=300)
    short = ask(explained, "forecast", horizon=5)
    assert long.slice(0, 5).equals(short.slice(0, 5))


def test_hidden_columns_are_read_and_not_shown() -> None:
    """As TRANSFORM makes them: the series is in `made_y`, and the output has it under its own name."""
    model = train(rows(days(40), noise(40)), auto_arima_max_order=1)
    given = pa.table({"t": days(42)[40:], "made_y": [0.5, 0.6], "made_z": [1, 2], "note": ["p", "q"]})
    call = Call(
        "detect_anomalies",
        rows=given.to_reader(),
        settings={"anomaly_prob_threshold": 0.9},
        inputs={"Y": "made_y", "z": "made_z"},
    )
    answer = model.call(call).read_all()
    assert answer.schema.names == ["t", "y", "is_anomaly", "lower_bound", "upper_bound", "anomaly_probability", "note"]
    assert answer["y"].to_pylist() == [0.5, 0.6]


def test_the_contract_is_kept(explained: TrainedModel) -> None:
    kinds: list[type[ModelType]] = [ArimaPlus, ArimaPlusXreg]
    assert all(isinstance(kind, ModelType) for kind in kinds)
    assert explained.features == (("id", "STRING"), ("t", "DATE"))
    assert explained.labels == ("y",)


def damaged(folder: Path, change: Any) -> None:
    facts = json.loads((folder / "time_series.json").read_text())
    change(facts)
    (folder / "time_series.json").write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda facts: facts.update(format=99), "format 99"),
        (lambda facts: facts.update(model_type="arima_plus_xreg"), "it holds a model of type arima_plus_xreg"),
        (lambda facts: facts["series"][0]["fit"].pop("arima"), "arima"),
        (lambda facts: facts["series"][0]["fit"]["history"].update(data=10**6), "data ends early"),
    ],
)
def test_files_that_were_changed_are_refused(explained: TrainedModel, tmp_path: Path, change: Any, said: str) -> None:
    explained.save(tmp_path)
    damaged(tmp_path, change)
    with pytest.raises(ModelFailed, match="cannot be read") as caught:
        ArimaPlus.load(tmp_path, "arima_plus", 1)
    assert said in str(caught.value)


def test_a_file_that_is_missing_or_could_hold_code_is_refused(explained: TrainedModel, tmp_path: Path) -> None:
    explained.save(tmp_path)
    np.savez(tmp_path / "time_series.npz", data=np.array([{"any": "object"}], dtype=object))
    with pytest.raises(ModelFailed, match="allow_pickle"):
        ArimaPlus.load(tmp_path, "arima_plus", 1)
    (tmp_path / "time_series.npz").unlink()
    with pytest.raises(ModelFailed, match="cannot be read"):
        ArimaPlus.load(tmp_path, "arima_plus", 1)


def test_there_is_nothing_to_export(explained: TrainedModel, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be exported"):
        explained.export(tmp_path)
