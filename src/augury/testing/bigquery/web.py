"""How do requests come in over HTTP, and how are connections lost on purpose?"""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from augury.testing.bigquery.faults import Drop, Refuse, Seen
from augury.testing.bigquery.refusals import Refusal, broken, invalid
from augury.testing.bigquery.requests import Answer, Request
from augury.testing.bigquery.service import Service

LOCAL = "127.0.0.1"
PATIENCE = 5.0
"""Seconds that the end of the server waits for one request."""
JOB_ID = re.compile(rb'"jobId"\s*:\s*"([\w-]+)"')
LARGEST = 512 * 1024 * 1024
"""Bytes of one request. Longer files come in pieces: resumable upload."""


class WebServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: Service, port: int = 0) -> None:
        self.service = service
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__((LOCAL, port), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="BigQuery REST", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def stop(self) -> None:
        """Close what clients keep open, and wait for the threads that serve them."""
        self.shutdown()
        self._thread.join()
        with self._lock:
            left = dict(self._open)
        for connection in left.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in left:
            thread.join(PATIENCE)
        self.server_close()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        me = threading.current_thread()
        with self._lock:
            self._open[me] = request
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[me]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no error of the server."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # One write per answer: two would wait for each other's acknowledgement.
    server: WebServer

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, *args: Any) -> None:
        """Nothing: `server.faults.requests` has them all."""

    def _serve(self) -> None:
        request = self._request()
        if isinstance(request, Answer):
            self.close_connection = True
            self._send(request)
            return
        fault = self.server.service.faults.meet(seen(self.server.service, request))
        if fault == Drop("before"):
            self._hang_up()
            return
        first = isinstance(fault, Refuse) and not fault.after
        answer = None if first else self._answer(request)
        if isinstance(fault, Drop):
            self._hang_up()
            return
        if isinstance(fault, Refuse):
            answer = refused(fault.refusal())
        if answer is not None:
            self._send(answer)

    def _answer(self, request: Request) -> Answer:
        try:
            return self.server.service.answer(request)
        except Exception as error:  # noqa: BLE001 - a mistake of the server itself is told, and not asked for again
            return refused(broken(error))

    def _request(self) -> Request | Answer:
        parts = urlsplit(self.path)
        length = self.headers.get("Content-Length")
        if length is None and self.headers.get("Transfer-Encoding"):
            return Answer(invalid("Send a Content-Length.").body(), 411)
        if not (length or "0").isdigit() or int(length or 0) > LARGEST:
            return refused(invalid(f"A request has at most {LARGEST} bytes; send longer files in pieces."))
        raw = self.rfile.read(int(length or 0))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        # Clients write PATCH and PUT as POST where a proxy in between knows neither.
        method = headers.get("x-http-method-override", self.command).upper()
        return Request(method, parts.path, query, headers, raw)

    def _send(self, answer: Answer) -> None:
        body = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def refused(refusal: Refusal) -> Answer:
    return Answer(refusal.body(), refusal.status)


def seen(service: Service, request: Request) -> Seen:
    """The request as `faults` sees it, with the id of the job that it names."""
    path = request.path.removeprefix("/bigquery/v2")
    return Seen(request.method, path, _job_of(service, request), request.query)


def _job_of(service: Service, request: Request) -> str | None:
    pieces = request.path.split("/")
    for place in ("jobs", "queries"):
        if place in pieces and pieces.index(place) + 1 < len(pieces):
            return pieces[pieces.index(place) + 1]
    if "upload_id" in request.query:
        body = service.uploads.begun(request.query["upload_id"])
        found = (body.get("jobReference") or {}).get("jobId")
        return str(found) if found else None
    if request.method != "POST" or not request.path.endswith("/jobs"):
        return None
    # The metadata of a multipart upload come first; what follows them is not read to find a name.
    named = JOB_ID.search(request.raw[:100_000])
    return named[1].decode() if named else None
