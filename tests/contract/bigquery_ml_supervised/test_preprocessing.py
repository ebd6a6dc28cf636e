"""Are columns of every type turned into features as the documentation's page on automatic preprocessing says?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.supervised.tree_inputs import Encoder
from augury.errors import ModelFailed
from tests.contract.bigquery_ml_supervised.asking import ask, train

COUNT = 240
LABEL = [float(at % 7) + at / 100 for at in range(COUNT)]
EXACT: dict[str, Any] = {"optimize_strategy": "normal_equation"}


def linear(**columns: Any) -> Any:
    return train("linear_reg", pa.table({**columns, "label": LABEL}), **EXACT)


def trees(*, method: str = "label_encoding", **columns: Any) -> Any:
    return train("boosted_tree_regressor", pa.table({**columns, "label": LABEL}), category_encoding_method=method)


def cycle(*values: Any, kind: Any = None) -> Any:
    return pa.array([values[at % len(values)] for at in range(COUNT)], kind)


def encoded(model: Any, **columns: Any) -> list[list[float]]:
    """What the trees of a model see of rows."""
    kept = model.kept
    arrays = [pa.table(columns).column(column.source).combine_chunks() for column in kept.columns]
    found: list[list[float]] = Encoder(kept.columns, kept.tree_inputs).encode(arrays, len(arrays[0])).tolist()
    return found


def inputs(model: Any) -> dict[str, list[str] | None]:
    """Processed inputs, and the categories of those that have some."""
    table = ask(model, "weights").to_pylist()
    return {
        row["processed_input"]: [entry["category"] for entry in row["category_weights"]]
        if row["category_weights"] is not None
        else None
        for row in table
    }


def predicted(model: Any, **columns: Any) -> list[float]:
    found: list[float] = ask(model, "predict", pa.table(columns))["predicted_label"].to_pylist()
    return found


def test_null_numbers_stand_at_the_mean_of_training() -> None:
    values = [None if at % 5 == 0 else float(at) for at in range(COUNT)]
    mean = float(np.mean([value for value in values if value is not None]))
    model = linear(x=values)

    null, at_mean, other = predicted(model, x=pa.array([None, mean, 0.0]))

    assert null == pytest.approx(at_mean, rel=1e-12)
    assert null != other


def test_nulls_of_trees_stand_at_the_mean_of_training() -> None:
    model = trees(x=[None if at % 5 == 0 else float(at) for at in range(COUNT)])
    mean = np.mean([at for at in range(COUNT) if at % 5])

    assert encoded(model, x=pa.array([None, 3.5])) == [[pytest.approx(mean)], [3.5]]


def test_a_column_that_is_all_null_at_prediction_is_the_mean() -> None:
    model = linear(x=[float(at) for at in range(COUNT)])

    assert predicted(model, x=pa.nulls(2)) == pytest.approx(predicted(model, x=[(COUNT - 1) / 2] * 2))


def test_null_is_a_category_of_its_own() -> None:
    rows = pa.table({"kind": cycle("a", "b", None), "label": [1.0, 2.0, 9.0] * (COUNT // 3)})
    model = train("linear_reg", rows, **EXACT)

    assert inputs(model)["kind"] == ["a", "b", "_null_filler"]
    assert predicted(model, kind=pa.array(["a", None])) == pytest.approx([1.0, 9.0])


def test_unseen_categories_and_unseen_null_have_weight_0() -> None:
    model = linear(kind=cycle("a", "b"))
    (kind, intercept) = ask(model, "weights").to_pylist()
    weights = {entry["category"]: entry["weight"] for entry in kind["category_weights"]}

    assert weights["_null_filler"] == 0.0
    assert weights["a"] != 0.0
    assert predicted(model, kind=pa.array(["never seen", None])) == [intercept["weight"]] * 2


def test_every_type_that_is_not_a_number_is_one_hot_encoded() -> None:
    model = linear(
        flag=cycle(True, False),
        code=cycle(b"\x01", b"\x02", kind=pa.binary()),
        day=cycle(date(2024, 2, 29), date(2024, 3, 1)),
        moment=cycle("2024-01-01 10:30:00", "2024-01-02").cast(pa.timestamp("us")),
        clock=cycle(time(12, 0, 30), time(6, 0), kind=pa.time64("us")),
    )

    assert inputs(model) == {
        "flag": ["false", "true", "_null_filler"],
        "code": ["AQ==", "Ag==", "_null_filler"],
        "day": ["2024-02-29", "2024-03-01", "_null_filler"],
        "moment": ["2024-01-01 10:30:00", "2024-01-02 00:00:00", "_null_filler"],
        "clock": ["06:00:00", "12:00:30", "_null_filler"],
        "__INTERCEPT__": None,
    }


def test_trees_label_encode_alphabetically_from_1_and_keep_0_for_null_and_unseen() -> None:
    """The example of the documentation's page: Cooking, Fantasy and History are 1, 2 and 3."""
    model = trees(genre=cycle("Fantasy", "Cooking", "History", "Cooking"))

    rows = pa.array(["Fantasy", "Cooking", "History", None, "Poetry"])
    assert encoded(model, genre=rows) == [[2.0], [1.0], [3.0], [0.0], [0.0]]


def test_trees_one_hot_encode_on_request() -> None:
    model = trees(method="one_hot_encoding", genre=cycle("a", "b"))

    assert encoded(model, genre=pa.array(["a", "b", None, "c"])) == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_target_encoding_is_the_mean_label_of_the_rows_that_train() -> None:
    kinds = (["a"] * 6 + ["a", "a", "b", "b", "b", None]) * 20
    held = ([True] * 6 + [False] * 6) * 20
    # What is held out must not leak: its labels are far off.
    labels = ([1000.0] * 6 + [2.0, 3.0, 1.0, 2.0, 3.0, 7.0]) * 20
    rows = pa.table({"kind": kinds, "label": labels, "held": held})
    model = train(
        "boosted_tree_regressor",
        rows,
        category_encoding_method="TARGET_ENCODING",
        data_split_method="custom",
        data_split_col="held",
    )

    assert encoded(model, kind=pa.array(["a", "b", None, "c"])) == [[2.5], [2.0], [7.0], [3.0]]


def test_target_encoding_of_classes_is_their_probability() -> None:
    kinds, labels = ["a", "a", "b", "b"] * 60, ["no", "yes", "no", "no"] * 60
    two = train(
        "boosted_tree_classifier",
        pa.table({"kind": kinds, "label": labels}),
        category_encoding_method="target_encoding",
    )
    three = train(
        "boosted_tree_classifier",
        pa.table({"kind": kinds, "label": ["x", "y", "z", "z"] * 60}),
        category_encoding_method="target_encoding",
    )

    assert encoded(two, kind=pa.array(["a", "b"])) == [[0.5], [0.0]]
    assert encoded(three, kind=pa.array(["a", "b"])) == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]


def test_a_timestamp_becomes_unix_seconds_and_the_parts_of_its_utc_time() -> None:
    start = datetime(2024, 12, 29, 23, 59, tzinfo=UTC)
    moments = pa.array([start + timedelta(hours=at * 13) for at in range(COUNT)], pa.timestamp("us", "Europe/Berlin"))
    found = inputs(linear(at=moments))

    assert list(found) == [
        "at",
        "_TS_DOM_at",
        "_TS_DOW_at",
        "_TS_MOY_at",
        "_TS_HOD_at",
        "_TS_MOH_at",
        "_TS_WOY_at",
        "_TS_YEAR_at",
        "__INTERCEPT__",
    ]
    assert found["at"] is None
    assert found["_TS_MOH_at"] == ["59", "_null_filler"]
    assert found["_TS_DOW_at"] == ["1", "2", "3", "4", "5", "6", "7", "_null_filler"]
    assert found["_TS_YEAR_at"] == ["2024", "2025", "_null_filler"]


def test_the_seconds_of_a_timestamp_are_standardised_over_training() -> None:
    moments = pa.array([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=at) for at in range(COUNT)])
    model = train("linear_reg", pa.table({"at": moments, "label": LABEL}), l2_reg=1e-3, **EXACT)
    standard, plain = (ask(model, "weights", standardize=flag).to_pylist()[0]["weight"] for flag in (True, False))

    assert standard / plain == pytest.approx(86_400 * np.arange(COUNT).std(), rel=1e-9)


def test_a_null_timestamp_is_the_mean_time_and_the_null_of_every_part() -> None:
    model = linear(at=pa.array([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=at) for at in range(COUNT)]))
    intercept = ask(model, "weights", standardize=True).to_pylist()[-1]["weight"]

    assert predicted(model, at=pa.array([None], pa.timestamp("us", "UTC"))) == pytest.approx([intercept])


def test_trees_take_the_seconds_of_a_timestamp() -> None:
    model = trees(at=pa.array([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=at) for at in range(COUNT)]))

    assert encoded(model, at=pa.array([datetime(1970, 1, 2, tzinfo=UTC)])) == [[86_400.0]]


def test_a_struct_is_expanded_field_by_field() -> None:
    struct = pa.array([{"size": float(at), "kind": "ab"[at % 2]} for at in range(COUNT)])
    model = linear(repo=struct)

    assert inputs(model) == {"repo_size": None, "repo_kind": ["a", "b", "_null_filler"], "__INTERCEPT__": None}
    assert model.features == (("repo", "STRUCT<size FLOAT64, kind STRING>"),)
    null, at_mean = predicted(model, repo=pa.array([None, {"size": (COUNT - 1) / 2, "kind": None}], struct.type))
    assert null == pytest.approx(at_mean)


def test_an_array_of_strings_is_multi_hot() -> None:
    rows = pa.table(
        {"tags": cycle(["a", "b"], ["a"], ["b", "b"], [], None), "label": [13.0, 11.0, 12.0, 10.0, 15.0] * (COUNT // 5)}
    )
    model = train("linear_reg", rows, **EXACT)

    assert inputs(model)["tags"] == ["a", "b", "_null_filler"]
    tags = pa.array([["b", "a", "a"], ["b"], ["a", "new"], None], pa.list_(pa.string()))
    assert predicted(model, tags=tags) == pytest.approx([13.0, 12.0, 11.0, 15.0])


def test_trees_see_an_array_of_strings_as_columns() -> None:
    model = trees(tags=cycle(["a", "b"], ["b"], None))

    assert encoded(model, tags=pa.array([["a"], ["b", "b"], None])) == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_an_array_of_numbers_is_taken_as_it_is() -> None:
    vectors = pa.array([[float(at), float(at % 3)] for at in range(COUNT)])
    rows = pa.table({"place": vectors, "label": [2.0 * at - 5.0 * (at % 3) + 1.0 for at in range(COUNT)]})
    model = train("linear_reg", rows, **EXACT)
    found = {row["processed_input"]: row["weight"] for row in ask(model, "weights").to_pylist()}

    assert found == pytest.approx({"place[0]": 2.0, "place[1]": -5.0, "__INTERCEPT__": 1.0})
    assert encoded(trees(place=vectors), place=pa.array([[4.0, 2.0], None])) == [[4.0, 2.0], [0.0, 0.0]]


def test_arrays_of_other_lengths_are_refused() -> None:
    model = linear(place=pa.array([[float(at), 1.0] for at in range(COUNT)]))

    with pytest.raises(ModelFailed, match="place has ARRAYs of other lengths than 2"):
        predicted(model, place=pa.array([[1.0]]))


def test_what_encoders_of_the_transform_clause_return_is_a_sparse_vector() -> None:
    kind = pa.list_(pa.struct([("index", pa.int64()), ("value", pa.float64())]))
    codes = pa.array([[{"index": at % 3, "value": 1.0}] for at in range(COUNT)], kind)
    rows = pa.table({"code": codes, "label": [float(at % 3) for at in range(COUNT)]})
    model = train("linear_reg", rows, **EXACT)
    new = pa.array([[{"index": 2, "value": 1.0}], [{"index": 9, "value": 1.0}], None], kind)
    intercept = ask(model, "weights").to_pylist()[-1]["weight"]

    assert predicted(model, code=new) == pytest.approx([2.0, intercept, intercept])
    assert encoded(trees(code=codes), code=new) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_decimals_are_numbers() -> None:
    decimals = [Decimal(at) / 4 for at in range(COUNT)]
    model = linear(price=pa.array(decimals, pa.decimal128(20, 4)))
    wide = linear(price=pa.array(decimals, pa.decimal256(60, 12)))

    assert model.features == (("price", "NUMERIC"),)
    assert wide.features == (("price", "BIGNUMERIC"),)
    assert predicted(model, price=[3.25]) == predicted(model, price=pa.array([Decimal("3.25")], pa.decimal128(20, 4)))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([timedelta(seconds=1)] * COUNT), "duration"),
        (pa.array([{"deep": {"x": 1}}] * COUNT), r"x\.deep: STRUCT<x INT64> inside a STRUCT"),
        (pa.array([[[1]]] * COUNT), "ARRAY<ARRAY<INT64>>"),
        (pa.array([[{"a": "text"}]] * COUNT), "ARRAY<STRUCT<a STRING>>"),
    ],
)
def test_types_that_no_model_takes_are_refused_by_name(column: Any, message: str) -> None:
    with pytest.raises(ModelFailed, match=message):
        linear(x=column)
