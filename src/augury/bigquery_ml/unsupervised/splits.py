"""Which rows are learned from, and which are held back?

BigQuery docs: 'The CREATE MODEL statement for matrix factorization models', DATA_SPLIT_METHOD. A random split follows
what the rows say, not the order in which the query returned them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.unsupervised.given import FactorizationOptions
from augury.bigquery_ml.unsupervised.values import bigquery_type, one_array
from augury.errors import ModelFailed, UsageError

Places = npt.NDArray[np.int64]

SMALL, LARGE, HELD_BACK = 500, 50_000, 10_000


@dataclass(frozen=True)
class Split:
    """Positions of rows. What is empty was not held back."""

    train: Places
    evaluate: Places
    test: Places


def split(options: FactorizationOptions, column: Any, order: Places, *, tuning: bool) -> Split:
    """`order` sorts the rows by what they say; `column` is that of DATA_SPLIT_COL. Raises UsageError, ModelFailed."""
    method, rows = options.data_split_method, len(order)
    everything = Split(np.arange(rows), np.empty(0, np.int64), np.empty(0, np.int64))
    if (column is not None) != (method in ("custom", "seq")):
        raise UsageError("DATA_SPLIT_COL goes with DATA_SPLIT_METHOD 'CUSTOM' or 'SEQ', and only with these")
    if (options.data_split_test_fraction is not None) and (not tuning or options.data_split_eval_fraction is None):
        raise UsageError("DATA_SPLIT_TEST_FRACTION goes with num_trials and DATA_SPLIT_EVAL_FRACTION")
    if method == "no_split":
        return everything
    if method == "custom":
        found = _custom(column, tuning=tuning)
    else:
        evaluate, test = _sizes(options, rows, tuning=tuning)
        if method == "seq":
            found = _sequential(column, evaluate, test)
        else:
            mixed = order[np.random.default_rng(rows).permutation(rows)]
            found = Split(
                np.sort(mixed[evaluate + test :]), np.sort(mixed[:evaluate]), np.sort(mixed[evaluate:][:test])
            )
    if not len(found.train):
        raise ModelFailed("the data split leaves no row to train with", fix="Hold back fewer rows.")
    return found


def _sizes(options: FactorizationOptions, rows: int, *, tuning: bool) -> tuple[int, int]:
    share = options.data_split_eval_fraction
    if options.data_split_method == "auto_split" or (options.data_split_method == "random" and share is None):
        if rows < SMALL:
            return 0, 0
        if tuning:
            return rows // 10, rows // 10
        return (round(rows * 0.2) if rows <= LARGE else HELD_BACK), 0
    if share is None:
        return (rows // 10, rows // 10) if tuning else (round(rows * 0.2), 0)
    return round(rows * share), round(rows * (options.data_split_test_fraction or 0.0))


def _custom(column: Any, *, tuning: bool) -> Split:
    plain = one_array(column)
    kind, wanted = bigquery_type(plain.type), "STRING" if tuning else "BOOL"
    if kind != wanted:
        raise ModelFailed(f"DATA_SPLIT_COL must be {wanted} for DATA_SPLIT_METHOD 'CUSTOM', not {kind}")
    values = plain.to_pylist()
    if not tuning:
        held = np.array([value is None or value for value in values], dtype=bool)
        return Split(np.flatnonzero(~held), np.flatnonzero(held), np.empty(0, np.int64))
    strangers = sorted({str(value) for value in values if value not in ("TRAIN", "EVAL", "TEST")})
    if strangers:
        raise ModelFailed(
            f"DATA_SPLIT_COL has values other than TRAIN, EVAL and TEST: {', '.join(strangers[:5])}",
            fix="Write one of the three in every row.",
        )
    names = np.array(values)
    train, evaluate, test = (np.flatnonzero(names == name) for name in ("TRAIN", "EVAL", "TEST"))
    return Split(train, evaluate, test)


def _sequential(column: Any, evaluate: int, test: int) -> Split:
    import pyarrow.compute as pc

    plain = one_array(column)
    if bigquery_type(plain.type) not in ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "STRING", "TIMESTAMP", "DATE"):
        raise ModelFailed(f"rows cannot be split in the order of {bigquery_type(plain.type)}")
    rows = len(plain)
    there = plain.is_valid().to_numpy(zero_copy_only=False)
    known = np.flatnonzero(there)
    order = np.concatenate([np.flatnonzero(~there), known[pc.sort_indices(plain.drop_null()).to_numpy()]])
    ordered = plain.take(pa.array(order))

    def begins(at: int) -> int:
        """The first row that says the same as row `at`: equal values stay together."""
        if at >= rows or not ordered[at].is_valid:
            return at
        return int(pc.index(ordered, ordered[at]).as_py())

    first_test = begins(rows - test)
    first = min(begins(rows - test - evaluate), first_test)
    return Split(np.sort(order[:first]), np.sort(order[first:first_test]), np.sort(order[first_test:]))
