"""A table of features and labels becomes a training set, or says why it cannot."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from augury.errors import ModelFailed
from augury.models.contract import Task, TrainingSet
from augury.models.training import snapshot, training_set

D1, D2 = date(2024, 1, 1), date(2024, 1, 8)


def table(label: Any = (1.0, 2.0, 3.0, 4.0)) -> Any:
    return pa.table(
        {
            "run_date": [D2, D1, D2, D1],
            "customer_id": [2, 2, 1, 1],
            "visits": [22, 12, 21, 11],
            "country": ["es", None, "fr", "es"],
            "y": label if isinstance(label, pa.Array) else list(label),
        }
    )


def made(rows: Any, task: Task = "regression", **options: Any) -> TrainingSet:
    return training_set(rows, entity=["customer_id"], label="y", task=task, **options)


def test_rows_are_ordered_by_date_and_entity_whatever_order_they_came_in() -> None:
    training = made(table())
    assert training.features.to_pylist() == [
        {"visits": 11, "country": "es"},
        {"visits": 12, "country": None},
        {"visits": 21, "country": "fr"},
        {"visits": 22, "country": "es"},
    ]
    assert training.label.to_pylist() == [4.0, 2.0, 3.0, 1.0]
    assert training.dates.to_pylist() == [D1, D1, D2, D2]
    assert training.dates.type == pa.date32()


def test_features_may_be_chosen_or_excluded() -> None:
    assert made(table(), features=["country"]).features.schema.names == ["country"]
    assert made(table(), exclude=["country"]).features.schema.names == ["visits"]


def test_integer_labels_are_bigquerys_integers() -> None:
    assert made(table(pa.array([1, 2, 3, 1], pa.int8())), "classification").label.type == pa.int64()


@pytest.mark.parametrize(
    ("rows", "task", "message"),
    [
        (table().slice(0, 0), "regression", "there are no training rows"),
        (table().slice(0, 1), "regression", "there is only one training row"),
        (table([1.0, None, 3.0, None]), "regression", "unusable in some of 4 rows: 2 NULL"),
        (table([1.0, float("nan"), float("inf"), None]), "regression", "1 NULL, 1 NaN, 1 infinite"),
        (table(["a", None, "b", "a"]), "classification", "1 NULL"),
        (table([True, True, True, True]), "classification", "has one class only: true"),
        (table(["a", "b", "a", "b"]), "regression", "is string: a regression needs a number"),
        (table([True, False, True, False]), "regression", "is bool: a regression needs a number"),
        (table([1.5, 2.5, 1.5, 2.5]), "classification", "is double: a classification needs text"),
        (table().drop_columns(["y"]), "regression", "the training rows have no column y"),
        (table().drop_columns(["run_date"]), "regression", "the training rows have no column run_date"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_refused(rows: Any, task: Task, message: str) -> None:
    with pytest.raises(ModelFailed, match=message):
        made(rows, task)


def test_decimal_labels_are_numbers() -> None:
    rows = table(pa.array([Decimal("1.25")] * 4, pa.decimal128(9, 2)))
    assert made(rows).rows == 4


KEYS = ["run_date", "customer_id"]


def test_a_snapshot_does_not_depend_on_how_rows_arrived() -> None:
    rows = table().append_column("price", pa.array([Decimal("1.5"), None, Decimal(2), Decimal(3)], pa.decimal128(9, 2)))
    batched = pa.concat_tables([rows.slice(2, 2), rows.slice(0, 1), rows.slice(1, 1)])
    encoded = batched.set_column(3, "country", batched["country"].cast(pa.large_string()).dictionary_encode())
    other_order = encoded.select(list(reversed(encoded.schema.names)))
    assert snapshot(rows, KEYS) == snapshot(batched, KEYS) == snapshot(other_order, KEYS)


@pytest.mark.parametrize(
    "changed",
    [
        table([1.0, 2.0, 3.0, 5.0]),
        table([1.0, 2.0, 3.0, None]),
        table().slice(0, 3),
        table().rename_columns(["run_date", "customer_id", "visits", "land", "y"]),
        table().set_column(2, "visits", pa.array([22, 12, 21, 11], pa.int32())),
        table().set_column(3, "country", pa.array(["es", "", "fr", "es"])),
    ],
    ids=["value", "null", "row", "name", "type", "empty text is not NULL"],
)
def test_a_snapshot_sees_every_change(changed: Any) -> None:
    assert snapshot(changed, KEYS) != snapshot(table(), KEYS)
