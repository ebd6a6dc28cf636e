"""Which rows does a model learn from where the project says so itself? training.sql, the hook `training`, or both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from augury.errors import ModelFailed, Place, QueryRefused
from augury.plan.definitions import StepDefinition
from augury.run.builds import bound_sql, called, in_template
from augury.run.hooks import as_reader
from augury.run.work import Work
from augury.warehouses.contract import Write

if TYPE_CHECKING:
    import pyarrow as pa

DATE, OURS = "run_date", "training_date"
"""The date of a training row: for the project, and in the table of training sets, whose run_date is the tick."""


def by_hand(work: Work, tick: date, write: Write) -> str:
    """A SELECT of the training rows as of a tick, each with the `run_date` whose features it holds.

    Rows without a date of their own all belong to the tick: they are evaluated without a split in time. What a hook
    returns is kept as `write` says. Raises QueryRefused, HookFailed, and ModelFailed for a name that is taken.
    """
    definition = work.definitions.step("training", tick)
    if definition.hook is not None:
        return _by_hook(work, definition, tick, write)
    resolver = work.resolver(tick, training=work.graph.uses_references)
    inner = bound_sql(work, definition, tick, resolver)
    names = [column.name for column in work.warehouse.describe(inner)]
    _refuse_ours(definition, names)
    if DATE not in names:
        return f"SELECT DATE '{tick}' AS {DATE}, * FROM ({inner}\n)"
    return f"SELECT CAST({DATE} AS DATE) AS {DATE}, {work.sql.all_but(DATE)} FROM ({inner}\n)"


def placed(work: Work, tick: date, error: QueryRefused) -> QueryRefused:
    """What the engine refused, with the line of the project's file that it was about."""
    definition = work.definitions.step("training", tick)
    if definition.hook is None:
        return in_template(error, definition.compiled)
    error.where = replace(error.where, file=definition.hook.path, line=definition.hook.line)
    return error


def _by_hook(work: Work, definition: StepDefinition, tick: date, write: Write) -> str:
    assert definition.hook is not None
    with ExitStack() as stack:
        resolver = work.resolver(tick, training=work.graph.uses_references)
        reader = as_reader(called(work, definition, tick, resolver, stack), definition.hook)
        _refuse_ours(definition, reader.schema.names)
        work.warehouse.load(write, _renamed(reader))
    rows = work.warehouse.partition_sql(write.table, (tick,))
    own = f"CAST({OURS} AS DATE)" if DATE in reader.schema.names else f"DATE '{tick}'"
    others = [DATE, OURS] if DATE in reader.schema.names else [DATE]
    return f"SELECT {own} AS {DATE}, {work.sql.all_but(*others)} FROM {rows}"


def _renamed(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The rows under the names that they have in the table."""
    import pyarrow as pa

    schema = pa.schema([field.with_name(OURS) if field.name == DATE else field for field in reader.schema])

    def batches() -> Iterator[Any]:
        for batch in reader:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _refuse_ours(definition: StepDefinition, names: list[str]) -> None:
    if OURS in names:
        raise ModelFailed(
            f"training returns a column {OURS}, which is augury's own name",
            where=Place(file=definition.file),
            fix=f"Call it {DATE} where it is the date whose features a row holds, and anything else where it is not.",
        )
