"""Libraries are asked for by name, and held to one thread only while somebody computes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from augury.bigquery_ml.libraries import library, one_thread
from augury.errors import PluginError


def threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_whoever_computes_has_one_thread_and_leaves_as_many_as_there_were() -> None:
    before = threads()
    assert before

    def inside(_: int) -> list[int]:
        with one_thread():
            np.ones((50, 50)) @ np.ones((50, 50))
            return threads()

    with ThreadPoolExecutor(4) as pool:
        held = list(pool.map(inside, range(40)))
    assert {count for counts in held for count in counts} == {1}
    assert threads() == before


def test_a_library_that_is_missing_says_what_to_install() -> None:
    with pytest.raises(PluginError) as refused:
        library("no_such_library.inside", "matrix-factorization")
    assert "'no_such_library' is not installed" in str(refused.value)
    assert "pip install 'augury[matrix-factorization]'" in str(refused.value)
