"""What a step's hook may return: anything that is Arrow, and nothing else (E1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from augury.errors import HookFailed
from augury.run.hooks import as_reader
from augury.spec.files import Hook

HOOK = Hook("prepare", "pipelines/ltv/hooks.py", 3, ())
TABLE = pa.table({"customer_id": ["ann", "bob"], "spent": [1.5, None]})


def batches() -> Iterator[pa.RecordBatch]:
    yield from TABLE.to_batches(max_chunksize=1)


@pytest.mark.parametrize(
    "returned",
    [TABLE, TABLE.to_reader(), TABLE.to_batches()[0], TABLE.to_batches(max_chunksize=1), batches()],
    ids=["table", "reader", "batch", "list of batches", "generator"],
)
def test_arrow_in_any_form_is_a_stream(returned: Any) -> None:
    assert as_reader(returned, HOOK).read_all() == TABLE


def test_no_row_is_a_result_too() -> None:
    assert as_reader(TABLE.slice(0, 0), HOOK).read_all().schema == TABLE.schema


@pytest.mark.parametrize(
    "returned", [None, 3, "rows", b"rows", {"spent": [1]}, [{"spent": 1}], [], TABLE.to_pylist(), Path()]
)
def test_everything_else_is_refused_with_the_hook_and_what_to_return(returned: Any) -> None:
    with pytest.raises(HookFailed) as caught:
        as_reader(returned, HOOK)
    assert caught.value.what == f"hook prepare returned {type(returned).__name__}, not Arrow"
    assert caught.value.where.source == "pipelines/ltv/hooks.py:3"
    assert "pa.Table.from_pandas(df)" in (caught.value.fix or "")
