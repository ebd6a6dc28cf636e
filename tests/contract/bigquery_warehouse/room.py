"""A BigQuery warehouse on the test server, and what a test does beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from augury import plugins
from augury.spec.bigquery import BigQueryTarget
from augury.spec.project import TargetSpec
from augury.testing.bigquery import BigQueryServer

PROJECT = "test-project"


def target(server: BigQueryServer, dataset: str, **more: Any) -> TargetSpec:
    """A target on a test server."""
    given = {
        "project": PROJECT,
        "dataset": dataset,
        "endpoint": server.endpoint,
        "storage_endpoint": server.storage_endpoint,
        **more,
    }
    return TargetSpec(warehouse="bigquery", bigquery=BigQueryTarget.model_validate(given))


def opened(
    server: BigQueryServer,
    dataset: str,
    root: Path,
    *,
    name: str = "dev",
    read_only: bool = False,
    **more: Any,
) -> Any:
    """The namespace `dev` in a dataset of a test server."""
    return _opened(target(server, dataset, **more), root, name, read_only=read_only)


def of_service(project: str, dataset: str, root: Path) -> Any:
    """The namespace `dev` in a dataset of BigQuery itself, as whoever the environment says."""
    given = BigQueryTarget(project=project, dataset=dataset)
    return _opened(TargetSpec(warehouse="bigquery", bigquery=given), root, "dev", read_only=False)


def _opened(settings: TargetSpec, root: Path, name: str, *, read_only: bool) -> Any:
    return plugins.load("warehouses", "bigquery").open(
        root,
        "dev",
        project="shop",
        deployment="",
        target=name,
        project_root=root,
        output_root=None,
        threads=None,
        memory=None,
        read_only=read_only,
        settings=settings,
    )
