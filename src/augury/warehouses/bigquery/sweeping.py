"""What does nobody need any more? Lines about older versions, and tables of a moment."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery.fences import Fences
from augury.warehouses.bigquery.jobs import Jobs
from augury.warehouses.bigquery.journal import Journal
from augury.warehouses.bigquery.names import OWN
from augury.warehouses.bigquery.partitions import Partitions

_MOMENTARY = (f"{OWN}tmp_", f"{OWN}source_")


def sweep(
    jobs: Jobs,
    journal: Journal,
    found: Partitions,
    fences: Fences,
    place: BigQueryPlace,
    used: frozenset[str],
    older_than: datetime,
) -> int:
    """Remove what was superseded or left before an instant; how many versions and tables.

    Rows of an older version are gone already: a partition was replaced where it lay.
    """
    records = found.records()
    with journal.lock:
        waiting = [entry for entry in records.unresolved() if entry.noted_at < older_than.timestamp()]
    for intent in waiting:
        # Its writer died before it sent the job, and must not send it after all.
        if intent.job_id not in journal.mine:
            fences.end(intent)
    records = found.records()
    with journal.lock:
        old, tokens = records.superseded(older_than.timestamp()), records.old_fences()
    journal.remove(old, tokens)
    return len(old) + _tables(jobs, place, used, older_than)


def _tables(jobs: Jobs, place: BigQueryPlace, used: frozenset[str], older_than: datetime) -> int:
    client = jobs.client(place)
    dataset = f"{place.project}.{place.dataset}"
    listed: Any = jobs.asked(
        lambda: [
            one
            for one in client.list_tables(dataset, retry=None)
            if one.table_id.startswith(_MOMENTARY) and one.table_id not in used
        ],
        missing=[],
        or_none=True,
    )
    removed = 0
    for one in listed or []:
        if one.created is None or one.created < older_than:
            jobs.asked(partial(client.delete_table, one.reference, not_found_ok=True, retry=None))
            removed += 1
    return removed
