"""How does a file come in? BigQuery docs: "Resumable uploads", "Multipart uploads" (REST "jobs.insert", /upload)."""

from __future__ import annotations

import json
import re
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.testing.bigquery import job_rest, names, shapes
from augury.testing.bigquery.refusals import invalid, missing, not_imitated
from augury.testing.bigquery.requests import Answer, Request

if TYPE_CHECKING:
    from augury.testing.bigquery.service import Service

RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass
class Upload:
    """One resumable upload that has begun."""

    project: str
    body: dict[str, Any]
    file: Path
    received: int = 0


class Uploads:
    """Safe to use from several threads; one upload is sent by one client, piece after piece."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: dict[str, Upload] = {}

    def new_file(self) -> Path:
        return self._folder / secrets.token_hex(12)

    def begin(self, project: str, body: dict[str, Any]) -> str:
        name = secrets.token_urlsafe(24)
        file = self.new_file()
        file.touch()
        with self._lock:
            self._open[name] = Upload(project, body, file)
        return name

    def get(self, name: str) -> Upload:
        with self._lock:
            if name not in self._open:
                raise missing("Upload", name[:100])
            return self._open[name]

    def begun(self, name: str) -> dict[str, Any]:
        """The metadata of an upload; nothing where there is none."""
        with self._lock:
            return self._open[name].body if name in self._open else {}

    def end(self, name: str) -> None:
        with self._lock:
            self._open.pop(name, None)


def start(service: Service, request: Request, project: str) -> Answer:
    names.project(project)
    match request.query.get("uploadType"):
        case "resumable":
            name = service.uploads.begin(project, request.body())
            return Answer(
                {}, headers={"Location": f"{service.endpoint}{request.path}?uploadType=resumable&upload_id={name}"}
            )
        case "multipart":
            body, content = _parts(request)
            file = service.uploads.new_file()
            file.write_bytes(content)
            return job_rest.begun(service, project, body, file)
    raise not_imitated(f"uploads of type {request.query.get('uploadType')!r}")


def put(service: Service, request: Request, project: str) -> Answer:
    """One piece of a resumable upload; the last one begins the job."""
    name = request.query.get("upload_id", "")
    upload = service.uploads.get(name)
    found = RANGE.fullmatch(request.headers.get("content-range", f"bytes 0-{len(request.raw) - 1}/{len(request.raw)}"))
    if not found and request.raw:
        raise invalid("Invalid Content-Range.")
    first = int(found[1]) if found and found[1] else upload.received
    if first != upload.received:
        raise invalid(f"Content-Range begins at {first}; {upload.received} bytes have been received.")
    with upload.file.open("ab") as out:
        out.write(request.raw)
    upload.received += len(request.raw)
    total = found[3] if found else str(upload.received)
    if total == "*" or upload.received < int(total):
        seen = {"Range": f"bytes=0-{upload.received - 1}"} if upload.received else {}
        return Answer(None, 308, seen)
    service.uploads.end(name)
    return job_rest.begun(service, upload.project, upload.body, upload.file)


def _parts(request: Request) -> tuple[dict[str, Any], bytes]:
    """Metadata and content of a `multipart/related` body."""
    found = re.search(r'boundary="?([^";]+)"?', request.headers.get("content-type", ""))
    if not found:
        raise invalid("A multipart upload needs a boundary.")
    pieces = request.raw.split(b"--" + found[1].encode())[1:-1]
    if len(pieces) != 2:
        raise invalid("A multipart upload has two parts: metadata and content.")
    bodies = [piece.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for piece in pieces]
    try:
        body = json.loads(bodies[0])
    except ValueError as error:
        raise invalid(f"The metadata of the upload is no JSON: {error}.") from None
    if not isinstance(body, dict):
        raise invalid("The metadata of the upload must be an object.")
    shapes.check(body)
    return body, bodies[1]
