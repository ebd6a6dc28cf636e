"""How do the rows of an ML function reach the query around it, and its errors whoever reads?

DuckDB reads a stream when it gets to it and wraps what goes wrong in there into text of its own, so each failure is
kept on the way and raised again in place of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class Running:
    """One query of a person and everything that is open for it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._failures: list[Exception] = []
        self._lock = Lock()

    def failed(self, error: Exception) -> None:
        with self._lock:
            self._failures.append(error)

    def opened(self) -> ExitStack:
        """A stack that is closed with the query at the latest."""
        with self._lock:
            return self._stack.enter_context(ExitStack())

    @contextmanager
    def surfacing(self) -> Iterator[None]:
        """The first thing that went wrong inside, instead of what others made of it."""
        try:
            yield
        except Exception as error:
            if self._failures and error is not self._failures[0]:
                raise self._failures[0] from error
            raise

    def watched(self, reader: pa.RecordBatchReader) -> Generator[pa.RecordBatch, None, None]:
        with self.surfacing():
            yield from reader

    def close(self) -> None:
        self._stack.close()


class CallStream:
    """The answer of an ML function; each scan after the first asks the function again."""

    def __init__(self, running: Running, ask: Callable[[ExitStack], pa.RecordBatchReader]) -> None:
        self._running = running
        self._ask = ask
        self._lock = Lock()
        self._first: tuple[ExitStack, pa.RecordBatchReader] | None = self._asked()
        self.schema: pa.Schema = self._first[1].schema

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        import pyarrow as pa

        reader = pa.RecordBatchReader.from_batches(self.schema, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _asked(self) -> tuple[ExitStack, pa.RecordBatchReader]:
        stack = self._running.opened()
        return stack, self._ask(stack)

    def _batches(self) -> Generator[pa.RecordBatch, None, None]:
        with self._lock:
            first, self._first = self._first, None
        try:
            stack, reader = first or self._asked()
            with stack:
                yield from reader
        except Exception as error:
            self._running.failed(error)
            raise


@contextmanager
def read(running: Running, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatchReader]:
    """The reader with errors of the streams behind it as they were."""
    import pyarrow as pa

    generator = running.watched(reader)
    try:
        yield pa.RecordBatchReader.from_batches(reader.schema, generator)
    finally:
        # A generator that another thread is inside of cannot be closed, and ends by itself.
        with suppress(ValueError):
            generator.close()
