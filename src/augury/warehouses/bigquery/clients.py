"""As whom, and at which address, is BigQuery asked? One client per identity, made when it is first needed.

Importing Google's libraries takes more than half a second, so nothing here is imported before a table is.
"""

from __future__ import annotations

import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from augury.plugins import missing_library
from augury.spec.bigquery import BigQueryPlace, BigQueryTarget
from augury.warehouses.bigquery import credentials, refusals

_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class Clients:
    """The clients of one target."""

    def __init__(self, settings: BigQueryTarget, project_root: Path) -> None:
        if find_spec("google.cloud.bigquery") is None:
            raise missing_library("bigquery", ImportError(name="google.cloud.bigquery"))
        self._settings = settings
        self._root = project_root
        self._known: dict[tuple[str | None, str | None, str | None], Any] = {}
        self._storage: dict[tuple[str | None, str | None], Any] = {}
        self._lock = threading.RLock()

    def of(self, place: BigQueryPlace) -> Any:
        """The REST client of a place's identity; its jobs run in the place's project."""
        key = (place.project, place.credentials, place.impersonate)
        with self._lock:
            if key not in self._known:
                self._known[key] = self._made(place)
            return self._known[key]

    def storage(self, place: BigQueryPlace) -> Any:
        """The Storage Read API; None where its library is missing or a server has none: rows then come by REST."""
        key = (place.credentials, place.impersonate)
        with self._lock:
            if key not in self._storage:
                self._storage[key] = self._made_storage(place)
            return self._storage[key]

    def close(self) -> None:
        with self._lock:
            for client in self._known.values():
                client.close()
            for storage in self._storage.values():
                if storage is not None:
                    storage.transport.close()
            self._known.clear()
            self._storage.clear()

    def _made(self, place: BigQueryPlace) -> Any:
        from google.api_core.client_options import ClientOptions
        from google.cloud.bigquery import Client

        options = ClientOptions(api_endpoint=self._settings.endpoint) if self._settings.endpoint else None
        try:
            return Client(project=place.project, credentials=self._credentials(place), client_options=options)
        except refusals.ours() as error:
            raise refusals.of(error) from error

    def _made_storage(self, place: BigQueryPlace) -> Any:
        if find_spec("google.cloud.bigquery_storage_v1") is None:
            return None
        if self._settings.endpoint is not None and self._settings.storage_endpoint is None:
            return None
        from google.cloud import bigquery_storage_v1 as storage
        from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

        reader: Any = storage.BigQueryReadClient
        if self._settings.storage_endpoint is None:
            return reader(credentials=self._credentials(place))
        import grpc

        address = self._settings.storage_endpoint
        if self._settings.anonymous:
            channel = grpc.insecure_channel(address, options=_UNLIMITED)
            return reader(transport=BigQueryReadGrpcTransport(channel=channel))
        return reader(credentials=self._credentials(place), client_options={"api_endpoint": address})

    def _credentials(self, place: BigQueryPlace) -> Any:
        """None for those of the environment."""
        from google.auth.credentials import AnonymousCredentials

        if self._settings.anonymous and place.credentials is None:
            return AnonymousCredentials()  # type: ignore[no-untyped-call]
        return credentials.of(place, self._root)
