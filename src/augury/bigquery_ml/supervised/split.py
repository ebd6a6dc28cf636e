"""Which rows train, which evaluate, and which test the trials of a search?

BigQuery docs: 'The CREATE MODEL statement for generalized linear models', DATA_SPLIT_METHOD and DATA_SPLIT_COL, and
'Hyperparameter tuning overview', data split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augury.bigquery_ml.supervised.columns import bigquery_type, find, plain
from augury.bigquery_ml.supervised.options import Options
from augury.bigquery_ml.supervised.row_hash import hashes
from augury.errors import ModelFailed

Rows = npt.NDArray[np.int64]

FEW = 500
"""Rows below which all are used for training."""
MANY = 50_000
"""Rows above which EVALUATED are held out instead of a share."""
EVALUATED = 10_000
SHARE = 0.2
TUNED_SHARE = 0.1


@dataclass(frozen=True)
class Split:
    """Positions of rows, ascending."""

    train: Rows
    evaluate: Rows
    """Empty where nothing was held out."""
    test: Rows
    """Empty where no hyperparameters are tuned, or none were left for it."""

    @property
    def reported(self) -> Rows:
        """The rows that a model's figures are about: held out ones, or else all that it was trained with."""
        return next((rows for rows in (self.test, self.evaluate) if len(rows)), self.train)

    @property
    def compared(self) -> Rows:
        """The rows that trials are compared by."""
        return self.evaluate if len(self.evaluate) else self.train


def split(rows: Any, options: Options) -> Split:
    """Raises ModelFailed where the split column is missing or of the wrong type, or no row is left to train on."""
    count = rows.num_rows
    method = options.data_split_method
    if method == "custom":
        found = _custom(_column(rows, options), options)
    elif method == "seq":
        found = _seq(_column(rows, options), count, options)
    elif method == "no_split" or (count < FEW and options.data_split_eval_fraction is None):
        found = _cut(np.arange(count), 0, 0)
    else:
        evaluate, test = _sizes(count, options)
        # Equal rows have equal hashes, so it does not matter which of them is taken first.
        found = _cut(np.argsort(hashes(rows), kind="stable"), evaluate, test)
    if not len(found.train):
        raise ModelFailed("the data split leaves no rows to train on", fix="Change data_split_method or its column.")
    return found


def _sizes(count: int, options: Options) -> tuple[int, int]:
    """How many rows evaluate, and how many test."""
    evaluate, test = options.data_split_eval_fraction, options.data_split_test_fraction
    if options.tuned:
        if evaluate is None:
            evaluate, test = TUNED_SHARE, TUNED_SHARE
        return _share(count, evaluate), _share(count, test or 0.0)
    if evaluate is None and options.data_split_method == "seq":
        return _share(count, SHARE), 0
    if evaluate is None:
        return (EVALUATED if count > MANY else _share(count, SHARE)), 0
    return _share(count, evaluate), 0


def _share(count: int, fraction: float) -> int:
    # Documented for DATA_SPLIT_EVAL_FRACTION: only two decimal places count.
    return round(count * round(fraction, 2))


def _cut(order: Rows, evaluate: int, test: int) -> Split:
    """The first rows of an order evaluate, the next ones test."""
    return Split(
        train=np.sort(order[evaluate + test :]),
        evaluate=np.sort(order[:evaluate]),
        test=np.sort(order[evaluate : evaluate + test]),
    )


def _column(rows: Any, options: Options) -> Any:
    name = options.data_split_col or ""
    place = find(rows.schema, name, {})
    if isinstance(place, str):
        raise ModelFailed(f"data_split_col: {place}", fix="Return the column from the training query.")
    return plain(rows.column(place))


def _custom(column: Any, options: Options) -> Split:
    wanted = "STRING" if options.tuned else "BOOL"
    if bigquery_type(column.type) != wanted:
        raise ModelFailed(
            f"data_split_col {options.data_split_col} is {bigquery_type(column.type)}: it must be {wanted}",
            fix="Use 'TRAIN', 'EVAL' and 'TEST'." if options.tuned else "TRUE and NULL evaluate, FALSE trains.",
        )
    if not options.tuned:
        held = column.fill_null(True).to_numpy(zero_copy_only=False).astype(bool)
        return Split(train=np.flatnonzero(~held), evaluate=np.flatnonzero(held), test=_none())
    words = pc.utf8_upper(column)
    sets = pa.array(["TRAIN", "EVAL", "TEST"])
    places = pc.index_in(words, value_set=sets).fill_null(-1).to_numpy()
    if (places < 0).any():
        raise ModelFailed(
            f"data_split_col {options.data_split_col} has {int((places < 0).sum()):,} rows with other values",
            fix="Use 'TRAIN', 'EVAL' and 'TEST' only.",
        )
    train, evaluate, test = (np.flatnonzero(places == at) for at in range(3))
    return Split(train, evaluate, test)


def _seq(column: Any, count: int, options: Options) -> Split:
    """The largest values evaluate, the next ones test; NULL evaluates, and equal values stay together."""
    if pa.types.is_nested(column.type) or pa.types.is_boolean(column.type) or pa.types.is_null(column.type):
        raise ModelFailed(
            f"data_split_col {options.data_split_col} is {bigquery_type(column.type)}: it cannot be sorted",
            fix="Use a number, a STRING, a DATE or a TIMESTAMP.",
        )
    evaluate, test = _sizes(count, options)
    rank = pc.rank(column, tiebreaker="min").to_numpy().astype(np.int64)
    # NULLs share the last rank, so they evaluate before any value does.
    at = np.sort(rank)
    first_held = _threshold(at, count - evaluate)
    first_test = _threshold(at, count - evaluate - test) if test else first_held
    held = rank >= first_held
    tested = (rank >= first_test) & ~held
    return Split(np.flatnonzero(~held & ~tested), np.flatnonzero(held), np.flatnonzero(tested))


def _threshold(ranks: Rows, place: int) -> int:
    return int(ranks[place]) if place < len(ranks) else len(ranks) + 1


def _none() -> Rows:
    return np.empty(0, dtype=np.int64)
