"""Whose dataset is it, and where does it lie? Asked once, before anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augury.errors import NamespaceError, UsageError
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import refusals
from augury.warehouses.bigquery.jobs import Jobs
from augury.warehouses.bigquery.names import label

_DEFAULT = "US"
"""Where BigQuery makes a dataset that names no location (BigQuery docs: 'BigQuery locations')."""


def claimed(jobs: Jobs, place: BigQueryPlace, owner: Mapping[str, str], *, read_only: bool) -> BigQueryPlace:
    """The place with the location of its dataset, which is made where it is new and nothing forbids it.

    Raises NamespaceError where it carries the labels of another project, deployment or target; UsageError where it lies
    elsewhere than the target says.
    """
    client = jobs.client(place)
    wanted = {f"augury_{name}": label(value) for name, value in owner.items()}
    dataset: Any = jobs.asked(lambda: client.get_dataset(_name(place), retry=None), or_none=True)
    if dataset is None:
        if read_only:
            return place.model_copy(update={"location": place.location or _DEFAULT})
        return _made(jobs, place, wanted)
    _check_location(place, dataset.location)
    found = {key: dataset.labels[key] for key in wanted if key in dataset.labels}
    if any(found[key] != wanted[key] for key in found):
        raise _anothers(place, found)
    if not read_only and found != wanted:
        dataset.labels = {**dataset.labels, **wanted}
        jobs.asked(lambda: client.update_dataset(dataset, ["labels"], retry=None))
    return place.model_copy(update={"location": dataset.location})


def located(jobs: Jobs, place: BigQueryPlace) -> BigQueryPlace | None:
    """The place of somebody else's dataset with its location; None where there is no such dataset."""
    client = jobs.client(place)
    dataset: Any = jobs.asked(lambda: client.get_dataset(_name(place), retry=None), or_none=True)
    return None if dataset is None else place.model_copy(update={"location": dataset.location})


def same_location(one: str | None, other: str | None) -> bool:
    return (one or _DEFAULT).casefold() == (other or _DEFAULT).casefold()


def _made(jobs: Jobs, place: BigQueryPlace, labels: dict[str, str]) -> BigQueryPlace:
    from google.cloud.bigquery import Dataset

    client = jobs.client(place)
    dataset = Dataset(_name(place))
    dataset.location = place.location or _DEFAULT
    dataset.labels = labels
    try:
        made: Any = jobs.repeated(lambda: client.create_dataset(dataset, retry=None))
    except refusals.ours() as error:
        if not refusals.conflict(error):
            raise refusals.of(error) from error
        # Somebody made it in the meantime: it is looked at like any other.
        return claimed(
            jobs, place, {key.removeprefix("augury_"): value for key, value in labels.items()}, read_only=True
        )
    return place.model_copy(update={"location": made.location or dataset.location})


def _check_location(place: BigQueryPlace, found: str | None) -> None:
    if place.location is not None and not same_location(place.location, found):
        raise UsageError(
            f"the dataset {_name(place)} lies in {found}, not in {place.location}",
            why="a dataset never moves",
            fix=f"Write `location: {found}` in the target's `bigquery`, or name another dataset.",
        )


def _anothers(place: BigQueryPlace, found: Mapping[str, str]) -> NamespaceError:
    named = ", ".join(f"{key.removeprefix('augury_')} {value!r}" for key, value in sorted(found.items()) if value)
    return NamespaceError(
        f"the dataset {_name(place)} belongs to {named}",
        why="its labels say so: two owners of one dataset would overwrite each other",
        fix="Name another dataset for this target, or remove its labels that begin with augury_.",
    )


def _name(place: BigQueryPlace) -> str:
    return f"{place.project}.{place.dataset}"
