"""How is one partition of one step built? SQL inside the warehouse, a hook in Arrow, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from augury.errors import AuguryError, Place, QueryRefused
from augury.events import DateFinished, ModelTrained
from augury.hooks import Context, Operation
from augury.ledger.records import ModelRecord
from augury.plan.definitions import StepDefinition
from augury.plan.steps import PlannedStep
from augury.run.hooks import as_reader, call_hook
from augury.run.operations import Suspended
from augury.run.relations import Resolver
from augury.run.work import Work
from augury.spec.pipeline import StepSettings
from augury.sql.compiled import CompiledSql
from augury.warehouses.contract import Write, Written

if TYPE_CHECKING:
    import pyarrow as pa

KEYED = ("prepare", "filter", "label", "post_process")
"""Steps with at most one row per entity, unless `steps.<name>.unique` says otherwise."""


def write_of(work: Work, step: PlannedStep, fingerprint: str, model: ModelRecord | None) -> Write:
    """What the write of a planned step carries: declared columns, keys, and the facts that recovery reads."""
    settings = _settings(work, step.step)
    unique = settings.unique
    if unique is None:
        unique = list(work.pipeline.settings.entities) if step.step in KEYED else []
    return Write(
        table=step.table,
        day=step.day,
        run_id=work.run_id,
        fingerprint=fingerprint,
        columns=settings.columns,
        unique=tuple(unique),
        drop_duplicates=settings.duplicates == "drop",
        description=settings.description,
        facts={
            "step": step.step,
            "definition": step.definition,
            "generation": step.generation,
            "probe": work.facts.probe,
            "model_version": model.number if model else None,
        },
        fence=work.fence(),
        labels=work.labels(step.step),
        max_bytes=work.pipeline.settings.limits.bytes_billed,
    )


def _settings(work: Work, step: str) -> StepSettings:
    known = work.pipeline.steps.get(step)
    return known.settings if known else work.pipeline.settings.steps.get(step, StepSettings())


def build(work: Work, step: PlannedStep, write: Write, *, empty: bool, references: Mapping[str, str] | None) -> Written:
    """Build a step that the pipeline defines.

    `empty` writes no row but the schema: what a date leaves whose source had none.
    Raises QueryRefused, DataRefused, HookFailed, StorageFailed; the partition is then as it was.
    """
    definition = work.definitions.step(step.step, step.day)
    resolver = work.resolver(step.day, training=step.training, references=references)
    if definition.hook is None:
        sql = _limited(bound_sql(work, definition, step.day, resolver), empty)
        return _create(work, replace(write, shape=resolver.shape(definition)), sql, definition.compiled)
    with ExitStack() as stack:
        result = _call(work, definition, step, resolver, stack)
        return work.warehouse.load(write, _emptied(as_reader(result, definition.hook), empty))


def candidate(work: Work, step: PlannedStep, write: Write, model: ModelRecord | None, rule: str) -> Written:
    """Build the candidate predictions: what post_process makes of the scores, and where each row comes from."""
    constants = {"version": work.pipeline.version}
    values: dict[str, Any] = dict(constants)
    if model is not None:
        values |= {"model_version": model.number, "model_rule": rule}
    values |= {"run_id": work.run_id, "predicted_at": work.clock()}
    columns = ", ".join(f"{work.sql.value(value)} AS {work.sql.name(name)}" for name, value in values.items())
    resolver = work.resolver(step.day, references=work.references_of(model))
    own = work.pipeline.steps.get("post_process")
    if own is not None and own.hook is not None:
        return _candidate_by_hook(work, step, write, values, resolver)
    if own is None:
        return _create(work, write, f"SELECT *, {columns} FROM ({_plain_candidate(work, step.day)})", None)
    definition = work.definitions.step("post_process", step.day)
    inner = bound_sql(work, definition, step.day, resolver)
    shape = resolver.shape(definition)
    shaped = write if shape is None else replace(write, shape=(shape, *values))
    return _create(work, shaped, f"SELECT *, {columns} FROM ({inner}\n)", definition.compiled)


def _plain_candidate(work: Work, day: date) -> str:
    """Without post_process: the entity and what was predicted; of SQL alone, the rows of the last step."""
    tables, settings = work.pipeline.tables, work.pipeline.settings
    if settings.model is None or settings.model.in_sql:
        last = "predict" if settings.model is not None else work.graph.scored
        rows = work.warehouse.partition_sql(tables.step(last), (day,))
        return f"SELECT {work.sql.all_but('run_date')} FROM {rows}"
    table = tables.step("predict")
    partition = work.warehouse.partition(table, day)
    prefix = f"predicted_{settings.model.label}"
    scores = [column.name for column in partition.columns if column.name.startswith(prefix)] if partition else []
    return f"SELECT {work.sql.names((*settings.entities, *scores))} FROM {work.warehouse.partition_sql(table, (day,))}"


def _candidate_by_hook(
    work: Work, step: PlannedStep, write: Write, values: dict[str, Any], resolver: Resolver
) -> Written:
    import pyarrow as pa

    definition = work.definitions.step("post_process", step.day)
    assert definition.hook is not None
    with ExitStack() as stack:
        reader = as_reader(_call(work, definition, step, resolver, stack), definition.hook)
        scalars = [pa.scalar(value) for value in values.values()]
        schema = pa.schema(
            [
                *reader.schema,
                *(pa.field(name, value.type) for name, value in zip(values, scalars, strict=True)),
            ]
        )

        def batches() -> Any:
            for batch in reader:
                added = [pa.repeat(value, batch.num_rows) for value in scalars]
                yield pa.RecordBatch.from_arrays([*batch.columns, *added], schema=schema)

        return work.warehouse.load(write, pa.RecordBatchReader.from_batches(schema, batches()))


def rows_of_hook(
    work: Work, definition: StepDefinition, step: PlannedStep, resolver: Resolver, *, most: int
) -> list[dict[str, Any]]:
    """The first rows of what a step's hook returns. Raises HookFailed."""
    assert definition.hook is not None
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        for batch in as_reader(_call(work, definition, step, resolver, stack), definition.hook):
            rows += batch.slice(0, most - len(rows)).to_pylist()
            if len(rows) >= most:
                break
    return rows


def bound_sql(work: Work, definition: StepDefinition, day: date, resolver: Resolver) -> str:
    """Executable SQL of a step on one date."""
    assert definition.compiled is not None
    return definition.compiled.bind(work.definitions.values(day), resolver)


def _create(work: Work, write: Write, sql: str, compiled: CompiledSql | None) -> Written:
    try:
        return work.warehouse.create(write, sql)
    except QueryRefused as error:
        raise in_template(error, compiled) from error


def in_template(error: QueryRefused, compiled: CompiledSql | None) -> QueryRefused:
    """The error with the line of the file that the engine's line was written on: macros and loops move lines."""
    if compiled is not None and error.where.line is not None:
        file, line = compiled.place(error.where.line)
        error.where = replace(error.where, file=file, line=line)
    return error


def _limited(sql: str, empty: bool) -> str:
    return f"SELECT * FROM ({sql}\n) LIMIT 0" if empty else sql


def _emptied(reader: pa.RecordBatchReader, empty: bool) -> pa.RecordBatchReader:
    import pyarrow as pa

    return pa.RecordBatchReader.from_batches(reader.schema, iter(())) if empty else reader


def _call(work: Work, definition: StepDefinition, step: PlannedStep, resolver: Resolver, stack: ExitStack) -> Any:
    """What a step's hook returns. Raises Suspended where it waits for something outside."""
    operation = work.operations.get((step.day, step.step))
    result = called(work, definition, step.day, resolver, stack, operation)
    if isinstance(result, Operation):
        raise Suspended(result)
    return result


def called(
    work: Work,
    definition: StepDefinition,
    day: date,
    resolver: Resolver,
    stack: ExitStack,
    operation: Operation | None = None,
) -> Any:
    """Call a hook with the relations that its parameters ask for, as Arrow tables: they live as long as `stack`."""
    hook = definition.hook
    assert hook is not None
    arguments: dict[str, Any] = {}
    for parameter in hook.parameters:
        if parameter.relation == "context":
            arguments[parameter.name] = context_of(work, day, operation=operation)
        elif parameter.relation == "rows":
            arguments[parameter.name] = _table(work, bound_sql(work, definition, day, resolver), stack)
        elif parameter.relation == "var":
            arguments[parameter.name] = work.pipeline.vars[str(parameter.arguments[0])]
        else:
            assert definition.parameters is not None
            sql = resolver(definition.parameters[parameter.name])
            arguments[parameter.name] = _table(work, f"SELECT * FROM {sql}", stack)
    return call_hook(work.definitions.project.root, work.pipeline, hook, arguments)


def _table(work: Work, sql: str, stack: ExitStack) -> pa.Table:
    return stack.enter_context(work.warehouse.read(sql)).read_all()


def context_of(
    work: Work,
    day: date,
    event: DateFinished | ModelTrained | None = None,
    operation: Operation | None = None,
) -> Context:
    """What every hook may know."""
    return Context(
        pipeline=work.pipeline.name,
        version=work.pipeline.version,
        target=work.definitions.project.target_name,
        run_date=day,
        cutoff=work.definitions.values(day).cutoff,
        run_id=work.run_id,
        vars=dict(work.pipeline.vars),
        event=event,
        operation=operation,
    )


def with_place(error: AuguryError, work: Work, day: date, step: str) -> AuguryError:
    """The error with the place that only the runner knows."""
    place = Place(pipeline=work.pipeline.name, date=str(day), step=step)
    known = work.pipeline.steps.get("validation" if step == "validate" else step)
    if error.where.file is None and known is not None and known.sql is not None:
        place = replace(place, file=known.sql.path)
    return error.at(place)
