"""How does the engine train a model itself? One query job that runs one CREATE MODEL statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augury.errors import UsageError
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import names
from augury.warehouses.bigquery.datasets import same_location
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import TableId
from augury.warehouses.bigquery.statements import created_model


class Models:
    """The models of one namespace."""

    def __init__(self, jobs: Jobs, place: BigQueryPlace, main: BigQueryPlace) -> None:
        self._jobs = jobs
        self._place = place
        self._main = main

    def sql(self, name: str) -> str:
        return self._id(name).sql

    def create(self, name: str, sql: str, labels: Mapping[str, str], max_bytes: int | None) -> None:
        wanted = self._id(name)
        found = created_model(sql)
        if found is None or found.replace("`", "") != str(wanted):
            raise UsageError(
                f"this makes the model {found}, not {wanted}" if found else "this is not one CREATE MODEL statement",
                fix=f"Begin with: CREATE OR REPLACE MODEL {wanted.sql}",
            )
        if not same_location(self._place.location, self._main.location):
            raise UsageError(
                f"models lie in {self._place.location}, and the rows that they learn from in {self._main.location}",
                why="BigQuery trains a model in the region of its rows",
                fix="Name a dataset of that region in `bigquery: models` of the target.",
            )
        self._jobs.query(self._main, sql, Ask(labels, max_bytes))

    def there(self, name: str) -> bool:
        client = self._jobs.client(self._place)
        found: Any = self._jobs.asked(lambda: client.get_model(str(self._id(name)), retry=None), or_none=True)
        return found is not None

    def drop(self, name: str) -> bool:
        if not self.there(name):
            return False
        client = self._jobs.client(self._place)
        self._jobs.asked(lambda: client.delete_model(str(self._id(name)), not_found_ok=True, retry=None))
        return True

    def _id(self, name: str) -> TableId:
        return TableId(self._place.project or "", self._place.dataset or "", names.checked_table(name))
