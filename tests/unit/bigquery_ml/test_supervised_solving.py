"""Is the smallest solution found, whichever way is taken?"""

from __future__ import annotations

import numpy as np
import pytest

from augury.bigquery_ml.supervised.solving import solve


def inputs(count: int = 200) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """An intercept, a number, and all categories of two columns: two dependencies."""
    dice = np.random.default_rng(0)
    first, second = dice.integers(0, 3, count), dice.integers(0, 4, count)
    return np.column_stack([np.ones(count), dice.normal(size=count), np.eye(3)[first], np.eye(4)[second]])


def test_known_dependencies_and_found_ones_give_the_smallest_solution() -> None:
    matrix = inputs()
    label = np.random.default_rng(1).normal(size=(len(matrix), 1))
    gram, right = matrix.T @ matrix, matrix.T @ label
    one, other = np.zeros(9), np.zeros(9)
    one[[0, 2, 3, 4]] = [-1, 1, 1, 1]
    other[[0, 5, 6, 7, 8]] = [-1, 1, 1, 1, 1]
    smallest = np.linalg.pinv(matrix) @ label

    assert solve(gram, right, [one, other]) == pytest.approx(smallest, abs=1e-9)
    assert solve(gram, right, [one]) == pytest.approx(smallest, abs=1e-9)
    assert solve(gram, right, []) == pytest.approx(smallest, abs=1e-9)


def test_equations_with_one_solution_are_solved() -> None:
    matrix = inputs()[:, :3]
    right = np.arange(3.0)[:, None]

    assert matrix.T @ matrix @ solve(matrix.T @ matrix, right, []) == pytest.approx(right, abs=1e-9)
    assert solve(np.zeros((0, 0)), np.zeros((0, 1)), []).shape == (0, 1)
