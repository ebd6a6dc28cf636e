"""How is the server started, and how does a client find it?"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from augury.errors import UsageError
from augury.testing.bigquery import storage_read
from augury.testing.bigquery.faults import Faults
from augury.testing.bigquery.service import Service
from augury.testing.bigquery.web import LOCAL, WebServer


class BigQueryServer:
    """A server of its own data, on loopback, for as long as the `with` block lasts.

        with BigQueryServer() as server:
            client = server.client("my-project")

    `folder` keeps datasets, tables and models; without it everything is in memory and ends with the server. Ports are
    chosen freely unless given.
    """

    def __init__(self, folder: Path | str | None = None, *, port: int = 0, storage_port: int = 0) -> None:
        self._folder = Path(folder) if folder is not None else None
        self._ports = (port, storage_port)
        self._service: Service | None = None
        self._web: WebServer | None = None
        self._storage: tuple[Any, int] | None = None

    def __enter__(self) -> BigQueryServer:
        self._service = Service(self._folder)
        try:
            self._web = WebServer(self._service, self._ports[0])
            self._service.endpoint = self.endpoint
            self._storage = storage_read.started(self._service, f"{LOCAL}:{self._ports[1]}")
        except (OSError, RuntimeError) as error:
            self._stop()
            raise UsageError(
                f"a port of {self._ports} cannot be listened on",
                why=str(error),
                fix="Name another port, or 0 for a free one.",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._storage is not None:
            self._storage[0].stop(grace=None).wait()
        if self._service is not None:
            # Requests that wait for a job end with it.
            self._service.jobs.stop()
        if self._web is not None:
            self._web.stop()
        if self._service is not None:
            self._service.close()
        self._web = self._service = self._storage = None

    @property
    def endpoint(self) -> str:
        """For `client_options={"api_endpoint": ...}`."""
        assert self._web is not None, "the server runs inside its `with` block"
        return f"http://{LOCAL}:{self._web.port}"

    @property
    def storage_endpoint(self) -> str:
        """host:port of the Storage Read API, over a channel without encryption."""
        assert self._storage is not None, "the server runs inside its `with` block"
        return f"{LOCAL}:{self._storage[1]}"

    @property
    def faults(self) -> Faults:
        """Failures to come, and the requests that came: augury.testing.bigquery.faults."""
        assert self._service is not None, "the server runs inside its `with` block"
        return self._service.faults

    def client(self, project: str, **more: Any) -> Any:
        """Google's own client, which asks this server and carries no credentials."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.bigquery import Client

        return Client(
            project=project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": self.endpoint},
            **more,
        )

    def storage_client(self) -> Any:
        """Google's own client of the Storage Read API, for `to_arrow(bqstorage_client=...)`; close its transport."""
        import grpc
        from google.cloud.bigquery_storage_v1 import BigQueryReadClient
        from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

        channel = grpc.insecure_channel(self.storage_endpoint)
        return BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))  # type: ignore[no-untyped-call]
