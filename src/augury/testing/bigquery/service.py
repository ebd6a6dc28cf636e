"""What does the server hold, and which handler answers which request?"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from augury.testing.bigquery import datasets, job_rest, models, performing, rows, tables, uploads
from augury.testing.bigquery.caching import Cache
from augury.testing.bigquery.faults import Faults
from augury.testing.bigquery.jobs import Job, Jobs
from augury.testing.bigquery.models import Models
from augury.testing.bigquery.refusals import Refusal, not_imitated
from augury.testing.bigquery.requests import Answer, Request
from augury.testing.bigquery.sizes import Sizes
from augury.testing.bigquery.store import Store

Handler = Callable[..., Answer]
ROOT = "/bigquery/v2/projects/{project}"
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", f"{ROOT}/datasets", datasets.list_),
    ("POST", f"{ROOT}/datasets", datasets.insert),
    ("GET", f"{ROOT}/datasets/{{dataset}}", datasets.get),
    ("PATCH", f"{ROOT}/datasets/{{dataset}}", datasets.update),
    ("PUT", f"{ROOT}/datasets/{{dataset}}", datasets.update),
    ("DELETE", f"{ROOT}/datasets/{{dataset}}", datasets.delete),
    ("GET", f"{ROOT}/datasets/{{dataset}}/tables", tables.list_),
    ("POST", f"{ROOT}/datasets/{{dataset}}/tables", tables.insert),
    ("GET", f"{ROOT}/datasets/{{dataset}}/tables/{{table}}", tables.get),
    ("PATCH", f"{ROOT}/datasets/{{dataset}}/tables/{{table}}", tables.update),
    ("PUT", f"{ROOT}/datasets/{{dataset}}/tables/{{table}}", tables.update),
    ("DELETE", f"{ROOT}/datasets/{{dataset}}/tables/{{table}}", tables.delete),
    ("GET", f"{ROOT}/datasets/{{dataset}}/tables/{{table}}/data", rows.list_),
    ("POST", f"{ROOT}/datasets/{{dataset}}/tables/{{table}}/insertAll", rows.insert_all),
    ("GET", f"{ROOT}/datasets/{{dataset}}/models", models.list_),
    ("GET", f"{ROOT}/datasets/{{dataset}}/models/{{model}}", models.get),
    ("PATCH", f"{ROOT}/datasets/{{dataset}}/models/{{model}}", models.update),
    ("DELETE", f"{ROOT}/datasets/{{dataset}}/models/{{model}}", models.delete),
    ("GET", f"{ROOT}/jobs", job_rest.list_),
    ("POST", f"{ROOT}/jobs", job_rest.insert),
    ("GET", f"{ROOT}/jobs/{{job}}", job_rest.get),
    ("POST", f"{ROOT}/jobs/{{job}}/cancel", job_rest.cancel),
    ("DELETE", f"{ROOT}/jobs/{{job}}/delete", job_rest.delete),
    ("POST", f"{ROOT}/queries", job_rest.query),
    ("GET", f"{ROOT}/queries/{{job}}", job_rest.results),
    ("POST", f"/upload{ROOT}/jobs", uploads.start),
    ("POST", f"/resumable/upload{ROOT}/jobs", uploads.start),
    ("PUT", f"/upload{ROOT}/jobs", uploads.put),
    ("PUT", f"/resumable/upload{ROOT}/jobs", uploads.put),
)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))


COMPILED = tuple((method, _compiled(pattern), handler) for method, pattern, handler in ROUTES)
MOST_REQUEST_IDS = 10_000


class Service:
    """Everything that one server knows. Safe to use from several threads."""

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self.endpoint = ""
        self.faults = Faults()
        self.store = Store(folder / "rows.duckdb" if folder else None)
        self.jobs = Jobs(self.faults)
        self.sizes = Sizes()
        self.cache = Cache()
        self.models = Models(folder)
        self.uploads = uploads.Uploads(Path(self.store.uploads.name))
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str], Job] = {}

    def close(self) -> None:
        self.jobs.stop()
        self.store.close()
        self.models.close()

    def perform(self, job: Job) -> None:
        performing.perform(self, job)

    def requests_seen(self, key: tuple[str, str]) -> Job | None:
        """The job of an earlier `jobs.query` of the same request id."""
        with self._lock:
            return self._requests.get(key) if key[1] else None

    def remember_request(self, key: tuple[str, str], job: Job) -> None:
        with self._lock:
            self._requests[key] = job
            while len(self._requests) > MOST_REQUEST_IDS:
                del self._requests[next(iter(self._requests))]

    def answer(self, request: Request) -> Answer:
        """The answer of the handler that the path names; refusals come as answers too."""
        try:
            for method, pattern, handler in COMPILED:
                found = pattern.fullmatch(request.path)
                if found and method == request.method:
                    parts: dict[str, Any] = {name: unquote(text) for name, text in found.groupdict().items()}
                    return handler(self, request, **parts)
            raise not_imitated(f"{request.method} {request.path}")
        except Refusal as refusal:
            return Answer(refusal.body(), refusal.status)
