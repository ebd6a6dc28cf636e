"""What is needed to work in a namespace of BigQuery, made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from augury.spec.bigquery import BigQueryPlace, BigQuerySources, BigQueryTarget
from augury.warehouses.bigquery import names
from augury.warehouses.bigquery.clients import Clients
from augury.warehouses.bigquery.commits import Commits
from augury.warehouses.bigquery.datasets import claimed, same_location
from augury.warehouses.bigquery.fences import Fences
from augury.warehouses.bigquery.jobs import Jobs
from augury.warehouses.bigquery.journal import Journal
from augury.warehouses.bigquery.models import Models
from augury.warehouses.bigquery.pacing import Pace
from augury.warehouses.bigquery.partitions import Partitions
from augury.warehouses.bigquery.publishing import Publisher
from augury.warehouses.bigquery.reading import Reader
from augury.warehouses.bigquery.source_loads import SourceLoads
from augury.warehouses.bigquery.source_tables import SourceTables
from augury.warehouses.bigquery.sources import Sources
from augury.warehouses.bigquery.tables import Tables
from augury.warehouses.bigquery.views import Views
from augury.warehouses.bigquery.writes import Writer


@dataclass(frozen=True)
class Opening:
    """What a warehouse was opened with."""

    namespace: str
    owner: dict[str, str]
    """project, deployment and target."""
    project_root: Path
    settings: BigQueryTarget
    read_only: bool
    clock: Callable[[], datetime]


@dataclass(frozen=True)
class Connected:
    """The rooms of an open warehouse."""

    clients: Clients
    jobs: Jobs
    journal: Journal
    partitions: Partitions
    fences: Fences
    tables: Tables
    writer: Writer
    publisher: Publisher
    views: Views
    reader: Reader
    sources: Sources
    loads: SourceLoads
    models: Models
    main: BigQueryPlace
    output: BigQueryPlace


def connect(opening: Opening) -> Connected:
    """Raises what looking at the datasets raises."""
    settings, read_only = opening.settings, opening.read_only
    own = {"augury_namespace": opening.namespace, **settings.labels}
    clients = Clients(settings, opening.project_root)
    jobs = Jobs(clients, own)
    main = _place(jobs, opening, None)
    output = main if settings.output is None else _place(jobs, opening, settings.output)
    models = main if settings.models is None else _place(jobs, opening, settings.models)
    # A server for tests has no quotas to keep.
    pace = None if settings.anonymous else Pace()
    journal = Journal(jobs, main, pace)
    partitions = Partitions(jobs, journal, main)
    fences = Fences(jobs, journal, main)
    tables = Tables(jobs, layout=settings.layout, labels=names.labels(own), expiration=settings.expiration)
    commits = Commits(
        jobs, journal, partitions, fences, namespace=_unique(main, opening.namespace), clock=opening.clock, pace=pace
    )
    publisher = Publisher(jobs, tables, commits, partitions, (main, output))
    looked_up = settings.sources or BigQuerySources()
    loads = SourceLoads(jobs, main, read_only=read_only)
    source_tables = SourceTables(
        jobs,
        settings.place(looked_up, opening.namespace),
        main,
        copies=looked_up.copy_tables,
        read_only=read_only,
    )
    return Connected(
        clients=clients,
        jobs=jobs,
        journal=journal,
        partitions=partitions,
        fences=fences,
        tables=tables,
        writer=Writer(jobs, tables, commits, main),
        publisher=publisher,
        views=Views(jobs, tables, commits, partitions, publisher, (main, output)),
        reader=Reader(jobs, clients, partitions, _anywhere(main, output)),
        sources=Sources(jobs, source_tables, loads, main, opening.project_root),
        loads=loads,
        models=Models(jobs, models, main),
        main=main,
        output=output,
    )


def _place(jobs: Jobs, opening: Opening, given: BigQueryPlace | None) -> BigQueryPlace:
    return claimed(jobs, opening.settings.place(given, opening.namespace), opening.owner, read_only=opening.read_only)


def _anywhere(main: BigQueryPlace, output: BigQueryPlace) -> BigQueryPlace:
    """Where a query only reads, BigQuery finds its region itself by the tables that it names ('BigQuery locations')."""
    return main if same_location(main.location, output.location) else main.model_copy(update={"location": None})


def _unique(main: BigQueryPlace, namespace: str) -> str:
    """Ids of jobs are unique in a project, names of tables in a dataset."""
    return f"{main.project}.{main.dataset}.{namespace}"
