"""Rows go through a model in batches, and what goes wrong on the way comes out as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pyarrow as pa
import pytest

from augury.bigquery_ml.duckdb_engine import DuckDBEngine
from augury.bigquery_ml.engine import Stream
from augury.bigquery_ml.session import Session
from augury.bigquery_ml.types import Types
from augury.errors import ModelFailed, QueryRefused
from tests.contract.bigquery_ml.room import TRAIN, TYPES, Room, Tables

MANY = "(SELECT id AS a, 1 AS b, id FROM UNNEST(GENERATE_ARRAY(0, 199999)) AS id)"


class Watched:
    """Counts queries that are open."""

    def __init__(self, room: Room) -> None:
        self._engine = DuckDBEngine(room.connection, batch_rows=1000)
        self._count = threading.Lock()
        self.open = 0

    @contextmanager
    def read(self, sql: str, streams: Mapping[str, Stream]) -> Iterator[pa.RecordBatchReader]:
        with self._engine.read(sql, streams) as reader:
            self._add(1)
            try:
                yield reader
            finally:
                self._add(-1)

    def describe(self, sql: str, streams: Mapping[str, pa.Schema]) -> pa.Schema:
        return self._engine.describe(sql, streams)

    def _add(self, number: int) -> None:
        with self._count:
            self.open += number


@pytest.fixture
def engine(room: Room) -> Watched:
    room.session.execute(TRAIN)
    return Watched(room)


@pytest.fixture
def session(room: Room, engine: Watched) -> Session:
    return Session(engine, room.store, tables=Tables(), clock=lambda: room.now, types=Types(TYPES))


def test_the_first_rows_come_before_the_last_are_read(session: Session) -> None:
    sql = f"SELECT * FROM ML.PREDICT(MODEL d.m, {MANY}, STRUCT(150000 AS fail_at))"
    with session.read(sql) as reader:
        assert 0 < reader.read_next_batch().num_rows <= 2048
        with pytest.raises(ModelFailed, match="the model stumbled") as caught:
            reader.read_all()
    assert caught.value.fix == "Help it up."


def test_an_error_in_the_stream_comes_out_as_it_was_whoever_reads(session: Session, room: Room) -> None:
    sql = f"SELECT SUM(predicted_y) AS s FROM ML.PREDICT(MODEL d.m, {MANY}, STRUCT(1500 AS fail_at))"
    with pytest.raises(ModelFailed, match="the model stumbled"), session.read(sql) as reader:
        reader.read_all()
    everything = sql.replace("SUM(predicted_y) AS s", "*")
    with pytest.raises(ModelFailed, match="the model stumbled"), session.read(everything) as reader:
        # DuckDB wraps what goes wrong in a stream that it reads into text.
        room.connection.cursor().register("elsewhere", reader).sql("SELECT COUNT(*) FROM elsewhere").fetchall()
    nested = f"SELECT * FROM ML.EVALUATE(MODEL d.m, (SELECT *, predicted_y AS y FROM {sql.split('FROM ', 1)[1]}))"
    with pytest.raises(ModelFailed, match="the model stumbled"), session.read(nested) as reader:
        reader.read_all()


def test_an_error_of_the_engine_in_the_rows_of_a_call(session: Session) -> None:
    wrong = MANY.replace("1 AS b", "1 AS b, IF(id = 150000, ERROR('poison'), 0) AS c")
    with (
        pytest.raises(QueryRefused, match="poison"),
        session.read(f"SELECT * FROM ML.PREDICT(MODEL d.m, {wrong})") as reader,
    ):
        reader.read_all()


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (f"SELECT * FROM ML.PREDICT(MODEL d.m, {MANY}) LIMIT 3", 3),
        (f"SELECT id FROM ML.PREDICT(MODEL d.m, {MANY}) WHERE FALSE", 0),
        (f"WITH p AS (SELECT * FROM ML.PREDICT(MODEL d.m, {MANY})) SELECT 1 AS x", 1),
    ],
)
def test_everything_is_closed_however_little_is_read(session: Session, engine: Watched, sql: str, rows: int) -> None:
    with session.read(sql) as reader:
        assert reader.read_all().num_rows == rows
    assert engine.open == 0
    with session.read(sql):
        pass
    assert engine.open == 0


def test_an_answer_that_is_read_twice_is_asked_for_twice(session: Session) -> None:
    sql = (
        f"SELECT COUNT(*) AS n, SUM(p.predicted_y) AS s FROM ML.PREDICT(MODEL d.m, {MANY}) AS p "
        "JOIN (SELECT id, predicted_y FROM q) AS r USING (id)"
    )
    with session.read(f"WITH q AS (SELECT * FROM ML.PREDICT(MODEL d.m, {MANY})) {sql}") as reader:
        assert reader.read_all().to_pylist() == [{"n": 200_000, "s": 200_000 * 6 + 199_999 * 100_000.0}]
    # A common table expression that the engine writes out at each place where it stands.
    with session.read(
        f"WITH q AS (SELECT id, predicted_y FROM ML.PREDICT(MODEL d.m, {MANY})) "
        "SELECT (SELECT COUNT(*) FROM q WHERE id < 5) AS low, (SELECT COUNT(*) FROM q WHERE id >= 5) AS high"
    ) as reader:
        assert reader.read_all().to_pylist() == [{"low": 5, "high": 199_995}]


def test_a_stream_can_be_scanned_again(room: Room, engine: Watched) -> None:
    """The promise behind it, whatever the engine's optimizer does."""
    from augury.bigquery_ml.models import Models
    from augury.bigquery_ml.reading import Reading, Surroundings
    from augury.bigquery_ml.streaming import CallStream
    from augury.sql.bigquery_ml.queries import read_query

    models = Models(room.store, Types(TYPES), lambda: room.now, 1)
    reading = Reading(Surroundings(engine, models, Tables(), lambda: room.now, lambda name: name))
    (call,) = read_query("SELECT * FROM ML.PREDICT(MODEL d.m, TABLE t)").calls
    stream = CallStream(reading.running, reading._asking(call))
    first, second = (pa.RecordBatchReader.from_stream(stream).read_all() for _ in range(2))
    assert first.num_rows == 100
    assert first.equals(second)
    reading.running.close()
    assert engine.open == 0


def test_one_session_serves_several_threads(session: Session, engine: Watched) -> None:
    def ask(number: int) -> float:
        sql = f"SELECT SUM(predicted_y) AS s FROM ML.PREDICT(MODEL d.m, (SELECT {number} AS a, b FROM t))"
        with session.read(sql) as reader:
            total: float = reader.read_all().column("s")[0].as_py()
            return total

    with ThreadPoolExecutor(8) as pool:
        totals = list(pool.map(ask, range(24)))
    base = totals[0]
    assert totals == [base + 100.0 * number for number in range(24)]
    assert engine.open == 0
