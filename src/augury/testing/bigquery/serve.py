"""How does the server run in a terminal of its own, for clients that are no Python tests?"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from augury.errors import UsageError
from augury.testing.bigquery import names
from augury.testing.bigquery.refusals import Refusal
from augury.testing.bigquery.server import BigQueryServer

LOOPBACK = ("127.0.0.1", "localhost")


def serve(
    port: int = 0,
    folder: Path | None = None,
    *,
    storage_port: int = 0,
    host: str = "127.0.0.1",
    project: str = "augury-test",
    dataset: str | None = None,
    say: Callable[[str], None] = print,
    until: threading.Event | None = None,
) -> None:
    """Serve until Ctrl-C, SIGTERM or `until`; `say` gets the lines to show, `dataset` is made if it is not there.

    Whoever reaches the server may do everything, so it is never reached from another machine. Raises UsageError for
    such a host, a name that BigQuery does not take or a port that is taken, StorageFailed for a folder that another
    server uses.
    """
    if host not in LOOPBACK:
        raise UsageError(
            f"the test server does not listen on {host}",
            why="it asks nobody for credentials",
            fix="Leave the host out: it is 127.0.0.1. From another machine, use an SSH tunnel.",
        )
    _checked(project, dataset)
    ended = until or threading.Event()
    with BigQueryServer(folder, port=port, storage_port=storage_port) as server, _stopping(ended):
        if dataset is not None:
            server.client(project).create_dataset(dataset, exists_ok=True)
        for line in (
            f"BigQuery test server: REST {server.endpoint}, Storage Read {server.storage_endpoint}",
            f"datasets are kept in {folder}" if folder else "datasets are in memory and end with the server",
            "",
            f"export BIGQUERY_EMULATOR_HOST={server.endpoint}",
            f"export AUGURY_BIGQUERY_ENDPOINT={server.endpoint}",
            f"export AUGURY_BIGQUERY_STORAGE_ENDPOINT={server.storage_endpoint}",
            f"export GOOGLE_CLOUD_PROJECT={project}",
            "",
            "Ctrl-C ends it.",
        ):
            say(line)
        while not ended.wait(0.5):
            pass
    say("the BigQuery test server has ended")


def _checked(project: str, dataset: str | None) -> None:
    try:
        names.project(project)
        if dataset is not None:
            names.dataset(dataset)
    except Refusal as refusal:
        raise UsageError(refusal.message, fix="Name another, such as `shop`.") from refusal


@contextmanager
def _stopping(ended: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set the event; only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: ended.set()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
