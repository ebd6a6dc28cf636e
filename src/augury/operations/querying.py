"""What do the tables say? A person's SELECT, streamed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from augury.operations.opened import Opened

if TYPE_CHECKING:
    import pyarrow as pa


def query(opened: Opened, sql: str) -> AbstractContextManager[pa.RecordBatchReader]:
    """The rows of one statement that reads, over the tables and views of the target by their plain names.

    Raises UsageError for any other statement, QueryRefused where the engine does not run it.
    """
    return opened.warehouse.query(sql)
