"""Where do the tables of a BigQuery target lie, and as whom are they read and written?"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from augury.spec.settings import Name, Period, Settings

ON_DEMAND_PRICE = 6.25
"""US dollars per TiB that a query reads (BigQuery's pricing page: 'On-demand compute pricing'); regions differ."""
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,61}[a-z0-9]")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_LOCATION = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,62}")
_ACCOUNT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _project(value: str) -> str:
    if not _PROJECT.fullmatch(value):
        raise ValueError(f"{value!r} is not a project id: lower-case letters, digits and -, such as my-project-1")
    return value


def _dataset(value: str) -> str:
    if not _DATASET.fullmatch(value):
        raise ValueError(f"{value!r} is not a dataset id: letters, digits and _")
    return value


def _location(value: str) -> str:
    if not _LOCATION.fullmatch(value):
        raise ValueError(f"{value!r} is not a location: write EU, US or a region such as europe-west1")
    return value


def _account(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise ValueError(f"{value!r} is not the e-mail address of a service account")
    return value


ProjectId = Annotated[str, AfterValidator(_project)]
DatasetId = Annotated[str, AfterValidator(_dataset)]
Location = Annotated[str, AfterValidator(_location)]
ServiceAccount = Annotated[str, AfterValidator(_account)]


class BigQueryPlace(Settings):
    """A dataset, and the identity that uses it. What is left out is that of the target."""

    project: ProjectId | None = None
    """The id of a project of Google Cloud."""
    dataset: DatasetId | None = None
    """The dataset in it."""
    location: Location | None = None
    """`EU`, `US` or a region such as `europe-west1`."""
    credentials: str | None = None
    """File with the key or configuration of an account, relative to the project; the environment's by default."""
    impersonate: ServiceAccount | None = None
    """Service account to act as; the credentials need the role Service Account Token Creator on it."""


class BigQuerySources(BigQueryPlace):
    """Where sources lie that do not say so themselves."""

    copy_tables: bool = False
    """Copy a source into the processing dataset whenever it changed: needed where it lies in another region, or where
    the processing account may not read it."""


class BigQueryTarget(BigQueryPlace):
    """The `bigquery` of a target."""

    project: ProjectId
    """Where jobs run, and whose bill they are on."""
    layout: Literal["partitioned", "sharded"] = "partitioned"
    """One table with a partition per date, or one table per date: `predictions_20260115`."""
    sources: BigQuerySources | None = None
    """Where sources lie that do not say so themselves; the project and dataset of the target by default."""
    output: BigQueryPlace | None = None
    """Where published tables and the archive lie; the dataset of the target by default."""
    models: BigQueryPlace | None = None
    """Where CREATE MODEL puts models; the dataset of the target by default."""
    labels: dict[Name, str] = Field(default_factory=dict)
    """On every job and table, besides augury's own."""
    price_per_tib: float = Field(default=ON_DEMAND_PRICE, ge=0)
    """What a TiB read by queries costs, for `augury plan`."""
    endpoint: str | None = None
    """Address of another server that speaks BigQuery's REST API, such as `augury testing bigquery`. Without credentials
    only on this machine."""
    storage_endpoint: str | None = None
    """`host:port` of its Storage Read API."""
    max_parallel_jobs: int = Field(default=8, ge=1, le=100)
    """Dates that are worked on at once."""
    expiration: Period | None = None
    """BigQuery removes partitions this long after their date, shards and whole tables this long after they were written
    last; never by default. Longer than any look-back of the project."""

    @field_validator("endpoint")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError(f"{value!r} is not an address: write http://127.0.0.1:9050")
        return value

    @model_validator(mode="after")
    def _honest(self) -> BigQueryTarget:
        if self.endpoint and urlsplit(self.endpoint).scheme == "http" and not _is_local(self.endpoint):
            raise ValueError(f"{self.endpoint} is not encrypted: http is allowed on this machine only")
        if self.storage_endpoint and not self.endpoint:
            raise ValueError("`storage_endpoint` needs `endpoint`")
        return self

    @property
    def anonymous(self) -> bool:
        """No credentials are sent: a server on this machine that asks for none."""
        return self.endpoint is not None and _is_local(self.endpoint) and self.credentials is None

    def place(self, other: BigQueryPlace | None, namespace: str) -> BigQueryPlace:
        """`other` with what it leaves out taken from the target; the dataset is the namespace's where none is named."""
        given = other or BigQueryPlace()
        elsewhere = given.project is not None and given.project != self.project
        identity = given if given.credentials or given.impersonate else self
        return BigQueryPlace(
            project=given.project or self.project,
            dataset=given.dataset or self.dataset or namespace,
            # Another dataset may lie anywhere: only that of the target has the target's location.
            location=given.location or (None if given.dataset or elsewhere else self.location),
            credentials=identity.credentials,
            impersonate=identity.impersonate,
        )


def _is_local(address: str) -> bool:
    return urlsplit(address).hostname in _LOOPBACK
