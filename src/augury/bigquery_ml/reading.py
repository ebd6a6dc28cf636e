"""How is a SELECT with ML functions in it run?

Each call's rows are one query of the engine, TRANSFORM included; the model answers them batch by batch, and the
answer is a relation of the query around the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from augury.bigquery_ml import answers
from augury.bigquery_ml.columns import check, find
from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.engine import Engine, Stream
from augury.bigquery_ml.manifest import Name
from augury.bigquery_ml.models import Loaded, Models
from augury.bigquery_ml.streaming import CallStream, Running, read
from augury.errors import AuguryError, Place, Problem, QueryRefused
from augury.sql.bigquery import Tables, Translated
from augury.sql.bigquery_ml.lexer import refused
from augury.sql.bigquery_ml.queries import MlCall, MlQuery
from augury.sql.bigquery_ml.transform import BoundTransform
from augury.sql.bigquery_ml.transform_queries import translate
from augury.sql.statement import statement_problems
from augury.sql.tokens import scan

if TYPE_CHECKING:
    import pyarrow as pa

_BY_COLUMNS = frozenset(
    {"predict", "explain_predict", "evaluate", "confusion_matrix", "roc_curve", "reconstruction_loss", "transform"}
)
"""Functions whose rows must have the model's features; those of time series and recommenders see to it themselves."""
_AGAINST_LABELS = frozenset({"evaluate", "confusion_matrix", "roc_curve"})
_OWN_COLUMNS = ("arima", "arima_plus", "arima_plus_xreg", "matrix_factorization")


@dataclass(frozen=True)
class Surroundings:
    """What the queries of a session share."""

    engine: Engine
    models: Models
    tables: Tables | None
    clock: Callable[[], datetime]
    qualify: Callable[[Name], Name]


@dataclass(frozen=True)
class Prepared:
    sql: str
    """DuckDB's dialect."""
    lines: tuple[int, ...]
    """Of the file, for each line of `sql`; nothing where it is not what somebody wrote."""
    streams: Mapping[str, Stream]


@dataclass
class Reading:
    """One statement being read. `file` and `parameters` are those of the statement."""

    around: Surroundings
    file: str | None = None
    parameters: Mapping[str, str] | None = None
    running: Running = field(default_factory=Running)

    # -- running -----------------------------------------------------------------------------------------------

    @contextmanager
    def rows(self, query: MlQuery) -> Iterator[pa.RecordBatchReader]:
        try:
            with self.running.surfacing():
                prepared = self._prepared(query, lambda call: CallStream(self.running, self._asking(call)))
                with self._opened(prepared) as reader, read(self.running, reader) as watched:
                    yield watched
        finally:
            self.running.close()

    @contextmanager
    def _opened(self, prepared: Prepared) -> Iterator[pa.RecordBatchReader]:
        with self._placed(prepared), self.around.engine.read(prepared.sql, prepared.streams) as reader:
            yield reader

    def _asking(self, call: MlCall) -> Callable[[ExitStack], pa.RecordBatchReader]:
        loaded = self._loaded(call)
        inner: Prepared | None = None
        inputs: Mapping[str, str] = {}
        if call.rows is not None:
            inner = self._prepared(call.rows, lambda each: CallStream(self.running, self._asking(each)))
            inner, inputs = self._transformed(inner, loaded, call)

        def ask(stack: ExitStack) -> pa.RecordBatchReader:
            with self._at(call):
                rows = stack.enter_context(self._opened(inner)) if inner is not None else None
                return self._answer(call, loaded, rows, inputs)

        return ask

    # -- describing --------------------------------------------------------------------------------------------

    def schema(self, query: MlQuery) -> pa.Schema:
        """The columns of a query; models are asked about no rows."""
        try:
            return self._described(self._prepared(query, self._empty))
        finally:
            self.running.close()

    def _empty(self, call: MlCall) -> Stream:
        loaded = self._loaded(call)
        rows: pa.RecordBatchReader | None = None
        inputs: Mapping[str, str] = {}
        if call.rows is not None:
            inner, inputs = self._transformed(self._prepared(call.rows, self._empty), loaded, call)
            rows = self._described(inner).empty_table().to_reader()
        with self._at(call):
            answer: Stream = self._answer(call, loaded, rows, inputs).schema.empty_table()
            return answer

    def _described(self, prepared: Prepared) -> pa.Schema:
        schemas = {name: stream.schema for name, stream in prepared.streams.items()}
        with self._placed(prepared):
            return self.around.engine.describe(prepared.sql, schemas)

    # -- what both share ---------------------------------------------------------------------------------------

    def _prepared(self, query: MlQuery, stream: Callable[[MlCall], Stream]) -> Prepared:
        streams = {call.placeholder: stream(call) for call in query.calls}
        around = self.around
        try:
            found = translate(
                query.text, tables=around.tables, parameters=self.parameters, now=around.clock(), file=self.file
            )
        except AuguryError as error:
            raise error.at(Place(file=self.file)) from error.__cause__
        self._only_reads(found)
        return Prepared(found.sql, found.lines, streams)

    def _only_reads(self, found: Translated) -> None:
        """Raises SpecError for a query that writes: DuckDB takes DELETE as the body of a common table expression."""
        if problems := statement_problems(list(scan(found.sql))):
            offset, message = problems[0]
            at = found.sql.count("\n", 0, offset)
            line = found.lines[at] if at < len(found.lines) else None
            raise refused([Problem(message, self.file, line)])

    def _loaded(self, call: MlCall) -> Loaded:
        with self._at(call):
            loaded = self.around.models.get(self.around.qualify(call.model.parts))
            answers.check_function(call.function, loaded)
            return loaded

    def _transformed(self, inner: Prepared, loaded: Loaded, call: MlCall) -> tuple[Prepared, Mapping[str, str]]:
        """The query with what TRANSFORM makes beside its columns, under names that the answer does not show."""
        bound = loaded.transform
        if bound is None:
            return inner, {}
        schema = self._described(inner)
        columns = schema.names
        relation = f"(\n{inner.sql}\n)"
        with self._at(call):
            self._fits(call, loaded, schema)
            if call.function == "transform":
                sql = bound.select_sql(relation, names=answers.transform_outputs(bound, columns, loaded))
                return replace(inner, sql=sql, lines=()), {}
            made = _made(bound, columns)
            names = {output: f"__augury_{number}_{output}" for number, output in enumerate(made)}
            return replace(inner, sql=bound.select_sql(relation, keep=columns, names=names), lines=()), names

    def _answer(
        self, call: MlCall, loaded: Loaded, rows: pa.RecordBatchReader | None, inputs: Mapping[str, str]
    ) -> pa.RecordBatchReader:
        settings = {given.name: given.value for given in call.settings}
        if call.function == "feature_info":
            return answers.feature_info(loaded, settings)
        if call.function == "transform" and rows is not None:
            return answers.transform(loaded, settings, rows)
        if rows is not None and loaded.transform is None:
            self._fits(call, loaded, rows.schema)
        return loaded.model.call(Call(call.function, rows, settings, inputs))

    def _fits(self, call: MlCall, loaded: Loaded, schema: pa.Schema) -> None:
        """Raises ModelFailed where columns are missing or of another type, before the engine trips over them."""
        if call.function in _BY_COLUMNS and loaded.manifest.model_type not in _OWN_COLUMNS:
            labels = loaded.manifest.labels if call.function in _AGAINST_LABELS else ()
            check(schema, (*loaded.manifest.features, *labels), loaded.shown)

    # -- where things went wrong -------------------------------------------------------------------------------

    @contextmanager
    def _at(self, call: MlCall) -> Iterator[None]:
        try:
            yield
        except AuguryError as error:
            raise error.at(Place(file=self.file, line=call.line)) from error.__cause__

    @contextmanager
    def _placed(self, prepared: Prepared) -> Iterator[None]:
        """The engine counts lines of its own SQL; people have theirs."""
        try:
            yield
        except QueryRefused as error:
            line = error.where.line
            if error.where.file is None and line is not None:
                known = prepared.lines[line - 1] if line <= len(prepared.lines) else None
                error.where = Place(file=self.file, line=known).within(Place(step=error.where.step))
            raise


def _made(bound: BoundTransform, columns: list[str]) -> tuple[str, ...]:
    """Outputs that can be made of these columns and are not among them unchanged."""
    out: list[str] = []
    for output in bound.outputs:
        available = all(find(columns, name) is not None for name in output.inputs)
        if available and not (output.passed and output.name.lower() == output.inputs[0].lower()):
            out.append(output.name)
    return tuple(out)
