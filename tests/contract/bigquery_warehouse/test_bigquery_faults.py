"""What becomes of a partition when the network or the service fails? It is written once, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from augury.errors import QueryRefused, StorageFailed, UsageError
from augury.testing.bigquery import BigQueryServer, Drop, FailJob, Refuse, Slow
from augury.testing.warehouse_rows import DAY, NEXT, PEOPLE, ids, live, stream, write
from augury.warehouses.contract import Warehouse
from tests.contract.bigquery_warehouse.room import opened

DATA = r"augury_[0-9a-f]{40}_\d+"
"""Ids of jobs that change a partition."""
ANY = r"augury_.*"
ROWS = pa.table({"customer_id": [1, 2], "name": ["ann", "bob"]})
REQUESTS = {
    "503 before": Refuse("backendError", status=503),
    "503 after": Refuse("backendError", status=503, after=True),
    "500 before": Refuse("internalError"),
    "403 rate": Refuse("rateLimitExceeded"),
    "403 quota": Refuse("quotaExceeded"),
    "403 quota after": Refuse("quotaExceeded", after=True),
    "dropped before": Drop("before"),
    "dropped after": Drop("after"),
}
JOBS = {"slow": Slow(polls=4), "backend": FailJob("backendError"), "rate": FailJob("rateLimitExceeded")}
VERBS: dict[str, Callable[[Warehouse], object]] = {
    "create": lambda warehouse: warehouse.create(write("people", run_id="run_2"), PEOPLE),
    "load": lambda warehouse: warehouse.load(write("people", run_id="run_2"), stream(ROWS)),
    "publish": lambda warehouse: warehouse.publish("staging", DAY, write("people", run_id="run_2")),
}


@pytest.fixture
def faults(server: BigQueryServer) -> Iterator[Any]:
    server.faults.clear()
    yield server.faults
    server.faults.clear()


@pytest.fixture
def stocked(warehouse: Warehouse) -> Warehouse:
    """An old version of what is written, and something to publish."""
    warehouse.create(write("people"), "SELECT 7 AS customer_id, 'old' AS name")
    warehouse.create(write("staging"), PEOPLE)
    return warehouse


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fault", REQUESTS)
def test_a_request_that_fails_is_sent_again_and_its_work_done_once(
    server: BigQueryServer, stocked: Warehouse, faults: Any, verb: str, fault: str
) -> None:
    # The id of a load job lies inside the upload.
    where = {"path": "/upload/"} if verb == "load" else {"job": DATA}
    rule = faults.add(REQUESTS[fault], method="POST", **where)
    before = _data_jobs(server)
    VERBS[verb](stocked)
    assert rule.done == 1
    assert _whole(stocked)
    assert len(_data_jobs(server) - before) == 1


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fault", JOBS)
def test_a_job_that_is_slow_or_ends_with_an_error_that_passes(
    stocked: Warehouse, faults: Any, verb: str, fault: str
) -> None:
    rule = faults.add(JOBS[fault], job=DATA)
    VERBS[verb](stocked)
    assert rule.done == 1
    assert _whole(stocked)


@pytest.mark.parametrize("fault", ["503 after", "dropped after"])
def test_a_line_of_the_journal_is_written_once(stocked: Warehouse, faults: Any, fault: str) -> None:
    """The journal's own INSERT meets the fault: a second one would count every line twice."""
    rule = faults.add(REQUESTS[fault], method="POST", path="/jobs", job=r"augury_[0-9a-f]{32}", nth=2)
    stocked.create(write(run_id="run_2"), PEOPLE)
    assert rule.done == 1
    assert _whole(stocked)
    assert list(stocked.partitions("people")) == [DAY]


@pytest.mark.parametrize("fault", ["503 before", "dropped before", "dropped after"])
def test_looking_is_repeated_too(stocked: Warehouse, faults: Any, fault: str) -> None:
    rule = faults.add(REQUESTS[fault], method="GET", times=3)
    assert ids(live(stocked)) == [7]
    assert rule.done == 3


@pytest.mark.parametrize("fault", JOBS)
def test_a_query_is_asked_again_where_its_job_ended_with_an_error_that_passes(
    stocked: Warehouse, faults: Any, fault: str
) -> None:
    rule = faults.add(JOBS[fault], job=r"augury_[0-9a-f]{32}")
    assert ids(live(stocked)) == [7]
    assert rule.done == 1


@pytest.mark.parametrize("path", ["/CreateReadSession", "/ReadRows"])
def test_a_read_goes_on_where_it_was_cut(stocked: Warehouse, faults: Any, path: str) -> None:
    rule = faults.add(Refuse("backendError", status=503), method="GRPC", path=path)
    assert ids(live(stocked)) == [7]
    assert rule.done == 1


@pytest.mark.parametrize("layout", ["partitioned", "sharded"])
def test_a_consumer_of_a_view_sees_one_version_and_then_the_other_k5(
    server: BigQueryServer, dataset: str, tmp_path: Path, layout: str
) -> None:
    """Google's own client never stops asking, while dates are published and the view moves from v1 to v2 and back."""
    warehouse = opened(server, dataset, tmp_path, layout=layout)
    for version in (1, 2):
        rows = pa.table({"v": [version] * 100, "n": [0] * 100})
        warehouse.load(write(f"v{version}_staging"), stream(rows))
        warehouse.publish(f"v{version}_staging", DAY, write(f"v{version}"))
    warehouse.set_view("current_rows", "v1")
    done = threading.Event()
    seen: list[tuple[int, ...]] = []

    def hammer() -> None:
        sql = f"SELECT COUNT(*), MIN(v), MAX(v), MIN(n), MAX(n) FROM `{dataset}.current_rows`"
        with server.client("test-project") as client:
            while not done.is_set():
                seen.append(tuple(next(iter(client.query(sql).result())).values()))

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(hammer)
        for n in range(1, 9):
            for version in (1, 2):
                rows = pa.table({"v": [version] * 100, "n": [n] * 100})
                warehouse.load(write(f"v{version}_staging", run_id=f"run_{n}"), stream(rows))
                warehouse.publish(f"v{version}_staging", DAY, write(f"v{version}", run_id=f"run_{n}"))
            warehouse.set_view("current_rows", f"v{n % 2 + 1}")
        done.set()
        reader.result()
    warehouse.close()
    assert seen
    assert set(seen) <= {(100, v, v, n, n) for v in (1, 2) for n in range(9)}


def test_what_will_not_pass_is_not_repeated(stocked: Warehouse, faults: Any) -> None:
    for reason, kind in (("accessDenied", UsageError), ("invalidQuery", QueryRefused)):
        rule = faults.add(Refuse(reason), method="POST", job=DATA)
        with pytest.raises(kind):
            stocked.create(write(run_id="run_2"), PEOPLE)
        assert (rule.seen, rule.done) == (1, 1)
        failing = faults.add(FailJob(reason), job=DATA)
        with pytest.raises(kind):
            stocked.create(write(run_id="run_3"), PEOPLE)
        assert (failing.seen, failing.done) == (1, 1)
        faults.clear()
    assert ids(live(stocked)) == [7]


def test_a_job_that_never_succeeds_is_given_up(stocked: Warehouse, faults: Any) -> None:
    rule = faults.add(FailJob("backendError", "try later"), job=DATA, times=100)
    with pytest.raises(StorageFailed, match="try later"):
        stocked.create(write(run_id="run_2"), PEOPLE)
    assert 2 <= rule.done <= 10
    assert ids(live(stocked)) == [7]


def test_a_backfill_through_a_storm_loses_and_doubles_nothing(
    server: BigQueryServer, warehouse: Warehouse, faults: Any
) -> None:
    days = [DAY + timedelta(days=n) for n in range(8)]
    for at, fault in enumerate(REQUESTS.values()):
        faults.add(fault, method="POST", job=ANY, nth=3 + 4 * at)
        faults.add(fault, method="GET", nth=5 + 11 * at)
    faults.add(FailJob("backendError"), job=DATA, nth=5)
    faults.add(Slow(polls=3), job=DATA, nth=2, times=3)

    def date(day: Any) -> None:
        warehouse.create(write("staging", day), PEOPLE)
        warehouse.publish("staging", day, write("people", day))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(date, days))
    faults.clear()
    assert list(warehouse.partitions("people")) == days
    assert len(live(warehouse, "people", *days)) == 2 * len(days)
    assert {one.rows for one in warehouse.partitions("people").values()} == {2}


def test_a_person_can_stop_what_runs(stocked: Warehouse, faults: Any) -> None:
    rule = faults.add(Slow(seconds=60), job=DATA)
    ended: list[BaseException] = []

    def work() -> None:
        try:
            stocked.create(write(run_id="run_2"), PEOPLE)
        except BaseException as error:  # noqa: BLE001  a KeyboardInterrupt is what is waited for
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not rule.done:
        threading.Event().wait(0.01)
    while thread.is_alive():
        stocked.interrupt()
        thread.join(0.05)
    assert [type(error) for error in ended] == [KeyboardInterrupt]
    assert ids(live(stocked)) == [7]
    stocked.create(write(day=NEXT), PEOPLE)
    assert ids(live(stocked, "people", DAY, NEXT)) == [1, 2, 7]


def _whole(warehouse: Warehouse) -> bool:
    found = warehouse.partition("people", DAY)
    assert found is not None
    assert (found.run_id, found.rows) == ("run_2", 2)
    return ids(live(warehouse)) == [1, 2]


def _data_jobs(server: BigQueryServer) -> set[str]:
    import re

    with server.client("test-project") as client:
        return {job.job_id for job in client.list_jobs() if re.fullmatch(DATA, job.job_id)}
