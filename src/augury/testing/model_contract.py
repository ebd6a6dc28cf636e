"""What must every kind of model keep? Subclass the suite in the tests of yours.

class TestMyKind(ModelKindContract):
    kind = MyKind
    options = {"depth": 3}
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from pydantic import ValidationError

from augury.errors import ModelFailed
from augury.models.contract import FittedModel, ModelKind, Task, TrainingSet
from augury.models.golden import drawn_rows

ROWS = 2_000
COUNTRIES = ("es", "fr", "it", "pt")
START = date(2024, 1, 1)


def example(task: Task, rows: int = ROWS) -> TrainingSet:
    """A training set with a column of each type, NULLs in most of them, and one column that is NULL
    throughout.

    The label follows from the columns: a number, or one of three names.
    """
    numbers = range(rows)
    amount = [None if n % 11 == 0 else (n * 37 % 101) / 7 for n in numbers]
    country = [None if n % 13 == 0 else COUNTRIES[n % 4] for n in numbers]
    features = pa.table(
        {
            "amount": pa.array(amount, pa.float64()),
            "visits": pa.array([None if n % 7 == 0 else n % 17 for n in numbers], pa.int32()),
            "price": pa.array([Decimal(n % 29) / 4 for n in numbers], pa.decimal128(9, 2)),
            "active": pa.array([None if n % 5 == 0 else n % 3 == 0 for n in numbers], pa.bool_()),
            "country": pa.array(country, pa.string()),
            "joined": pa.array([START - timedelta(days=n % 9) for n in numbers], pa.date32()),
            "seen": pa.array(
                [None if n % 6 == 0 else datetime(2024, 1, 1) + timedelta(hours=n % 50) for n in numbers],  # noqa: DTZ001
                pa.timestamp("us"),
            ),
            "empty": pa.nulls(rows, pa.float64()),
        }
    )
    value = [(a or 5.0) + (3.0 if c == "es" else 0.0) + n % 3 for n, a, c in zip(numbers, amount, country, strict=True)]
    label = pa.array(value if task == "regression" else [_medal(v) for v in value])
    days = [START + timedelta(days=7 * (10 * n // rows)) for n in numbers]
    return TrainingSet(features, pa.chunked_array([label]), pa.chunked_array([pa.array(days)]), "spend")


def _medal(value: float) -> str:
    return "gold" if value > 12 else "silver" if value > 7 else "bronze"


class ModelKindContract:
    """Every promise that augury relies on, once per kind. All of them hold bit for bit."""

    kind: ClassVar[type[ModelKind]]
    options: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def task(cls) -> Task:
        return cls.kind.task or "regression"

    @classmethod
    def fit(cls, training: TrainingSet, seed: int = 7, threads: int = 1) -> FittedModel:
        """How a fitted model of this kind comes to be; kinds that open files train one elsewhere and
        open it.
        """
        return cls.kind.fit(training, cls.kind.Options.model_validate(cls.options), seed, threads)

    @pytest.fixture(scope="class")
    @classmethod
    def training(cls) -> TrainingSet:
        return example(cls.task())

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, training: TrainingSet) -> FittedModel:
        return cls.fit(training)

    @pytest.fixture(scope="class")
    @classmethod
    def batch(cls, training: TrainingSet) -> Any:
        return training.features.combine_chunks().to_batches()[0]

    def test_it_is_a_kind_of_model(self, fitted: FittedModel, training: TrainingSet) -> None:
        assert isinstance(fitted, FittedModel)
        assert [feature.name for feature in fitted.features] == training.features.schema.names
        assert fitted.task == self.task()
        assert fitted.label_name == "spend"

    def test_predictions_have_bigquery_mls_columns(self, fitted: FittedModel, batch: Any) -> None:
        predicted = fitted.predict(batch)
        assert predicted.num_rows == batch.num_rows
        if self.task() == "regression":
            assert predicted.schema.names == ["predicted_spend"]
            assert predicted.schema.field(0).type == pa.float64()
            return
        assert predicted.schema.names == ["predicted_spend", "predicted_spend_probs"]
        first = predicted.slice(0, 1).to_pylist()[0]
        chances = {entry["label"]: entry["prob"] for entry in first["predicted_spend_probs"]}
        assert tuple(chances) == fitted.classes
        assert sum(chances.values()) == pytest.approx(1)
        assert first["predicted_spend"] == max(chances, key=lambda name: chances[name])

    def test_rows_keep_their_order(self, fitted: FittedModel, batch: Any) -> None:
        backwards = pa.array(range(batch.num_rows - 1, -1, -1))
        assert fitted.predict(batch.take(backwards)).equals(fitted.predict(batch).take(backwards))

    def test_any_batching_predicts_the_same(self, fitted: FittedModel, batch: Any) -> None:
        whole = pa.Table.from_batches([fitted.predict(batch)])
        parts = [fitted.predict(batch.slice(start, 777)) for start in range(0, batch.num_rows, 777)]
        assert pa.Table.from_batches(parts).combine_chunks().equals(whole)

    def test_order_of_columns_and_others_beside_them_do_not_matter(self, fitted: FittedModel, batch: Any) -> None:
        names = [*reversed(batch.schema.names)]
        shuffled = batch.select(names).append_column("customer_id", pa.array(range(batch.num_rows)))
        assert fitted.predict(shuffled).equals(fitted.predict(batch))

    def test_text_as_a_dictionary_predicts_the_same(self, fitted: FittedModel, batch: Any) -> None:
        at = batch.schema.get_field_index("country")
        encoded = batch.set_column(at, "country", batch.column(at).dictionary_encode())
        assert fitted.predict(encoded).equals(fitted.predict(batch))

    def test_a_saved_model_predicts_the_same(self, fitted: FittedModel, batch: Any, tmp_path: Path) -> None:
        names = fitted.save(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
        loaded = self.kind.load(tmp_path, 1)
        assert (loaded.features, loaded.classes) == (fitted.features, fitted.classes)
        assert loaded.predict(batch).equals(fitted.predict(batch))
        assert loaded.importances() == fitted.importances()

    def test_the_same_training_gives_the_same_files(
        self, fitted: FittedModel, training: TrainingSet, tmp_path: Path
    ) -> None:
        folders = [tmp_path / name for name in ("first", "second")]
        for folder, model in zip(folders, (fitted, self.fit(training, threads=2)), strict=True):
            folder.mkdir()
            model.save(folder)
        first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
        assert first == second

    def test_several_threads_predict_at_once(self, fitted: FittedModel, batch: Any) -> None:
        expected = fitted.predict(batch)
        with ThreadPoolExecutor(8) as pool:
            assert all(got.equals(expected) for got in pool.map(fitted.predict, [batch] * 24))

    def test_missing_and_unseen_values_are_scored(self, fitted: FittedModel, batch: Any) -> None:
        unknown = [None if name != "country" else "atlantis" for name in batch.schema.names]
        nothing = [None] * len(unknown)
        rows = [dict(zip(batch.schema.names, row, strict=True)) for row in (unknown, nothing)]
        predicted = fitted.predict(pa.RecordBatch.from_pylist(rows, schema=batch.schema))
        assert predicted.num_rows == 2
        assert predicted.column(0).null_count == 0

    def test_no_rows_give_no_rows(self, fitted: FittedModel, batch: Any) -> None:
        nobody = fitted.predict(batch.slice(0, 0))
        assert nobody.num_rows == 0
        assert nobody.schema == fitted.predict(batch).schema

    def test_infinities_are_refused_with_column_and_count(self, fitted: FittedModel, batch: Any) -> None:
        values = batch.column("amount").to_pylist()
        values[:2] = [float("inf"), float("-inf")]
        bad = batch.set_column(batch.schema.get_field_index("amount"), "amount", pa.array(values, pa.float64()))
        with pytest.raises(ModelFailed, match="amount: 2 infinite values"):
            fitted.predict(bad)

    def test_every_column_that_differs_is_named_at_once(self, fitted: FittedModel, batch: Any) -> None:
        renamed = batch.rename_columns(["amont" if name == "amount" else name for name in batch.schema.names])
        at = renamed.schema.get_field_index("country")
        retyped = renamed.set_column(at, "country", pa.array(range(batch.num_rows)))
        with pytest.raises(ModelFailed) as caught:
            fitted.predict(retyped.drop_columns(["visits"]))
        assert re.search("amount: there is no such column, did you mean amont", str(caught.value))
        assert re.search("country: expected category, got int64", str(caught.value))
        assert re.search("visits: there is no such column", str(caught.value))

    def test_rows_drawn_from_the_model_itself_are_always_the_same(
        self, fitted: FittedModel, training: TrainingSet, batch: Any, tmp_path: Path
    ) -> None:
        """By such rows a model made elsewhere is known again."""
        rows = drawn_rows(fitted, 7, 40)
        assert rows.equals(drawn_rows(self.fit(training), 7, 40))
        fitted.save(tmp_path)
        assert rows.equals(drawn_rows(self.kind.load(tmp_path, 1), 7, 40))
        assert not rows.equals(drawn_rows(fitted, 8, 40))
        assert rows.schema.names == batch.schema.names
        assert all(0 < column.null_count < 40 for column in rows.columns)
        assert fitted.predict(rows.combine_chunks().to_batches()[0]).num_rows == 40

    def test_predictions_jump_at_the_splits_that_a_model_names(self, fitted: FittedModel, batch: Any) -> None:
        """A kind without splits names none."""
        splits = fitted.splits()
        kinds = {feature.name: feature.type for feature in fitted.features}
        assert all(kinds[name] != "category" for name in splits)
        for values in splits.values():
            assert list(values) == sorted({value for value in values if math.isfinite(value)})
        at = batch.schema.get_field_index("amount")
        jumps = []
        for value in list(splits.get("amount", ()))[:5]:
            low, high = (
                fitted.predict(batch.set_column(at, "amount", pa.array([side] * batch.num_rows)))
                for side in (value - abs(value) / 10_000, value + abs(value) / 10_000)
            )
            jumps.append(not low.equals(high))
        assert any(jumps) == bool(splits.get("amount"))

    def test_an_unknown_option_is_refused_by_name(self) -> None:
        with pytest.raises(ValidationError, match="no_such_option"):
            self.kind.Options.model_validate({**self.options, "no_such_option": 1})

    def test_importances_name_features_largest_first(self, fitted: FittedModel, training: TrainingSet) -> None:
        found = fitted.importances()
        weights = [abs(weight) for _, weight in found]
        assert weights == sorted(weights, reverse=True)
        assert {name for name, _ in found} <= set(training.features.schema.names)
