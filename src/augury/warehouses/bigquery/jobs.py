"""How is a job run so that its work is done once, however often the network fails?

Every job has an id of our own. BigQuery refuses a second job of the same id with 409 (BigQuery docs: 'Running jobs
programmatically'), so a request may be sent again whenever its answer was lost: the 409 says that the first one
arrived, and we wait for that job.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import names, refusals
from augury.warehouses.bigquery.clients import Clients

if TYPE_CHECKING:
    from google.cloud.bigquery import QueryJobConfig

T = TypeVar("T")
DEADLINE = 300.0
"""Seconds for which a request is repeated."""
ATTEMPTS = 5
"""Jobs that are sent for one piece of work, where they fail for a reason that passes."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 20.0
_FIRST_LOOK, _RAREST_LOOK = 0.02, 1.0
"""Seconds between looks at a job that runs: it grows, and a long job is asked for once a second."""
DONE = "DONE"


@dataclass(frozen=True)
class Ask:
    """What every query carries."""

    labels: Mapping[str, str]
    max_bytes: int | None = None
    dataset: str | None = None
    """`project.dataset` in which plain table names are looked up."""
    own: bool = False
    """Augury's own book-keeping: no limit of the work that it accompanies holds for it."""


class Jobs:
    """Runs jobs of one target. Safe to use from several threads."""

    def __init__(self, clients: Clients, labels: Mapping[str, str]) -> None:
        self._clients = clients
        self._labels = labels
        self._running: list[tuple[Any, threading.Event]] = []
        self._lock = threading.Lock()
        self._charged = threading.local()

    @contextmanager
    def charging(self, labels: Mapping[str, str], max_bytes: int | None) -> Iterator[None]:
        """What this thread asks inside carries these labels, and is refused above so many bytes."""
        before = getattr(self._charged, "to", None)
        self._charged.to = Ask(labels, max_bytes)
        try:
            yield
        finally:
            self._charged.to = before

    def labels(self, given: Mapping[str, str]) -> dict[str, str]:
        """The labels of a job: the target's, and those of the work."""
        charged: Ask | None = getattr(self._charged, "to", None)
        return names.labels(self._labels, charged.labels if charged else {}, given)

    def limit(self, ask: Ask) -> int | None:
        """The bytes that a query may be billed for."""
        charged: Ask | None = getattr(self._charged, "to", None)
        if ask.own or ask.max_bytes is not None or charged is None:
            return ask.max_bytes
        return charged.max_bytes

    # -- requests --------------------------------------------------------------------------------------------

    def client(self, place: BigQueryPlace) -> Any:
        return self._clients.of(place)

    def asked(self, request: Callable[[], T], *, missing: T | None = None, or_none: bool = False) -> T | None:
        """A request that may be repeated. With `or_none`, `missing` where what it names does not exist."""
        try:
            return self.repeated(request)
        except refusals.ours() as error:
            if or_none and refusals.not_found(error):
                return missing
            raise refusals.of(error) from error

    def repeated(self, request: Callable[[], T], *, also: Callable[[BaseException], bool] | None = None) -> T:
        """`request` again and again, ever more slowly and with jitter, while its error may pass. Raises Google's."""
        from google.api_core.retry import Retry

        def worth_it(error: BaseException) -> bool:
            return refusals.passing(error) or (also is not None and also(error))

        retry = Retry(
            predicate=worth_it, initial=_FIRST_PAUSE, maximum=_LONGEST_PAUSE, multiplier=2.0, timeout=DEADLINE
        )
        found: T = retry(request)()
        return found

    # -- jobs ------------------------------------------------------------------------------------------------

    def submit(self, place: BigQueryPlace, job_id: str, begin: Callable[[], Any]) -> Any:
        """The job that `begin` starts, or the one that has this id already. Raises Google's errors."""
        try:
            return self.repeated(begin)
        except refusals.ours() as error:
            if not refusals.conflict(error):
                raise
            client = self.client(place)
            # A job may be known to `insert` a moment before `get` finds it.
            return self.repeated(
                lambda: client.get_job(job_id, location=place.location, retry=None), also=refusals.not_found
            )

    def find(self, place: BigQueryPlace, job_id: str, project: str, location: str | None) -> Any:
        """A job as it is now; None where there is none of that id."""
        client = self.client(place)
        return self.asked(lambda: client.get_job(job_id, project=project, location=location, retry=None), or_none=True)

    def wait(self, job: Any, patience: float | None = None) -> Any:
        """The job when it is over; its error is raised as Google's. Raises KeyboardInterrupt where `interrupt` ended
        it, TimeoutError after `patience` seconds."""
        stopped = threading.Event()
        with self._lock:
            self._running.append((job, stopped))
        try:
            self._look(job, stopped, patience)
        finally:
            with self._lock:
                self._running.remove((job, stopped))
        error = job.exception()
        if error is not None:
            if stopped.is_set():
                raise KeyboardInterrupt from error
            raise error
        return job

    def _look(self, job: Any, stopped: threading.Event, patience: float | None) -> None:
        pause, waited = _FIRST_LOOK, 0.0
        while job.state != DONE:
            if stopped.wait(pause):
                raise KeyboardInterrupt
            if patience is not None and waited > patience:
                raise TimeoutError
            waited += pause
            self.asked(lambda: job.reload(retry=None))
            pause = min(pause * 1.5, _RAREST_LOOK)

    def interrupt(self) -> None:
        """Cancel every job that is waited for; those who wait raise KeyboardInterrupt."""
        with self._lock:
            running = list(self._running)
        for _, stopped in running:
            stopped.set()
        for job, _ in running:
            try:
                job.cancel(retry=None, timeout=10)
            except refusals.ours():
                # Nobody waits for it any more; what it writes is found by its id.
                continue

    # -- queries ---------------------------------------------------------------------------------------------

    def query(self, place: BigQueryPlace, sql: str, ask: Ask, *, parameters: Any = (), config: Any = None) -> Any:
        """A query that is over. A job that fails for a reason that passes is followed by another one. Raises ours."""
        for attempt in range(1, ATTEMPTS + 1):
            job_id = f"augury_{secrets.token_hex(16)}"
            try:
                return self._query(place, sql, self.configured(ask, config, parameters), job_id)
            except refusals.ours() as error:
                if attempt == ATTEMPTS or not refusals.passing(error):
                    raise refusals.of(error, limit=self.limit(ask), who=place.impersonate or "") from error
                self.pause(attempt)
        raise AssertionError("the last attempt returns or raises")

    def load(self, place: BigQueryPlace, begin: Callable[[str], Any]) -> Any:
        """A load or copy job that is over, and whose only trace is what it made. Raises ours."""
        for attempt in range(1, ATTEMPTS + 1):
            job_id = f"augury_{secrets.token_hex(16)}"
            try:
                return self.wait(self.submit(place, job_id, partial(begin, job_id)))
            except refusals.ours() as error:
                if attempt == ATTEMPTS or not refusals.passing(error):
                    raise refusals.of(error, who=place.impersonate or "") from error
                self.pause(attempt)
        raise AssertionError("the last attempt returns or raises")

    def upload(
        self,
        place: BigQueryPlace,
        path: Path,
        schema: list[Any],
        destination: str,
        job_id: str,
        labels: Mapping[str, str],
        partitioning: Any = None,
    ) -> Any:
        """Send a Parquet file with a load job that replaces its destination."""
        from google.cloud.bigquery import LoadJobConfig
        from google.cloud.bigquery.format_options import ParquetOptions

        # Lists as arrays, not as records of records (BigQuery docs: 'Loading Parquet data', 'LIST logical type').
        options: Any = ParquetOptions()  # type: ignore[no-untyped-call]
        options.enable_list_inference = True
        config = LoadJobConfig(
            source_format="PARQUET",
            write_disposition="WRITE_TRUNCATE",
            create_disposition="CREATE_IF_NEEDED",
            schema=schema,
            parquet_options=options,
            labels=self.labels(labels),
            # Names with blanks and letters of any language ('Flexible column names').
            column_name_character_map="V2",
        )
        if partitioning is not None:
            config.time_partitioning = partitioning
        with path.open("rb") as file:
            return self.client(place).load_table_from_file(
                file,
                destination,
                rewind=True,
                size=path.stat().st_size,
                num_retries=None,
                job_id=job_id,
                location=place.location,
                project=place.project,
                job_config=config,
            )

    def _query(self, place: BigQueryPlace, sql: str, config: QueryJobConfig, job_id: str) -> Any:
        job = self.submit(place, job_id, lambda: self.begin(place, sql, config, job_id))
        return self.wait(job)

    def begin(self, place: BigQueryPlace, sql: str, config: QueryJobConfig, job_id: str) -> Any:
        return self.client(place).query(
            sql, job_config=config, job_id=job_id, location=place.location, retry=None, job_retry=None
        )

    def configured(self, ask: Ask, config: QueryJobConfig | None = None, parameters: Any = ()) -> QueryJobConfig:
        from google.cloud.bigquery import QueryJobConfig

        found = config or QueryJobConfig()
        found.labels = self.labels(ask.labels)
        found.use_legacy_sql = False
        limit = self.limit(ask)
        if limit is not None:
            found.maximum_bytes_billed = limit
        if ask.dataset is not None:
            found.default_dataset = ask.dataset
        if parameters:
            found.query_parameters = list(parameters)
        return found

    def dry(self, place: BigQueryPlace, sql: str, ask: Ask) -> Any:
        """A query that is only looked at: schema and bytes, free of charge (BigQuery docs: 'Running a dry run')."""
        from google.cloud.bigquery import QueryJobConfig

        config = self.configured(ask, QueryJobConfig(dry_run=True, use_query_cache=False))
        client = self.client(place)
        found = self.asked(
            lambda: client.query(sql, job_config=config, location=place.location, retry=None, job_retry=None)
        )
        assert found is not None
        return found

    def pause(self, attempt: int) -> None:
        """Between two jobs for one piece of work: twice as long each time, and never the same for two workers."""
        longest = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
        threading.Event().wait(longest * (0.5 + secrets.randbelow(1000) / 2000))
