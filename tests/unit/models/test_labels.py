"""How much each row counts while a classifier is trained."""

from __future__ import annotations

import numpy as np

from augury.models.labels import row_weights

CLASSES = ("a", "b")
CODES = np.array([0, 0, 0, 1])


def test_balanced_classes_count_the_same_and_rows_keep_their_total() -> None:
    weights = row_weights(CLASSES, CODES, auto=True, given=None)
    assert weights is not None
    assert weights[CODES == 0].sum() == weights[CODES == 1].sum() == 2.0


def test_given_weights_go_to_their_classes() -> None:
    weights = row_weights(CLASSES, CODES, auto=False, given={"b": 5.0, "a": 1.0})
    assert weights is not None
    assert weights.tolist() == [1.0, 1.0, 1.0, 5.0]


def test_without_options_all_rows_count_the_same() -> None:
    assert row_weights(CLASSES, CODES, auto=False, given=None) is None
