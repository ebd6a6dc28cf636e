"""How does a CREATE MODEL statement become a model in the store?

The query's rows are held in memory once; TRANSFORM learns from them and is applied to them by the engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.bigquery_ml.changes import ModelChange
from augury.bigquery_ml.columns import bigquery_columns, find
from augury.bigquery_ml.contract import TrainedModel, Training
from augury.bigquery_ml.engine import Engine
from augury.bigquery_ml.feature_info import feature_info
from augury.bigquery_ml.manifest import Manifest, Name
from augury.bigquery_ml.store import ModelStore, digests, exists
from augury.bigquery_ml.types import Types
from augury.errors import AuguryError, DataRefused, Place
from augury.sql.bigquery_ml.catalogue.check import Chosen
from augury.sql.bigquery_ml.lexer import refused
from augury.sql.bigquery_ml.statements import CreateModel
from augury.sql.bigquery_ml.transform import BoundTransform, read_transform

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = "__augury_training"


@dataclass(frozen=True)
class Trainer:
    engine: Engine
    store: ModelStore
    types: Types
    seed: int
    threads: int

    def create(
        self,
        statement: CreateModel,
        chosen: Chosen,
        name: Name,
        rows: pa.Table,
        *,
        now: datetime,
        expires: datetime | None = None,
        files: Mapping[str, Path] | None = None,
        file: str | None = None,
    ) -> ModelChange:
        """Raises ModelFailed, UsageError, DataRefused, SpecError and StorageFailed; the model before stays then."""
        kind = self.types.get(chosen.model_type)
        before = self.store.readable(name)
        # An expired model makes way like one that was dropped.
        replaces = statement.replace or (before is not None and before.expired(now))
        if before is not None and not replaces:
            raise exists(name)
        bound = self._bound(statement, rows, file)
        transformed = self._apply(bound, rows)
        _check_columns(chosen, transformed, file)
        training = Training(
            model_type=chosen.model_type,
            rows=transformed,
            options=chosen.options,
            seed=self.seed,
            threads=self.threads,
            files=files or {},
            now=now,
        )
        try:
            model = kind.train(training)
        except AuguryError as error:
            raise error.at(Place(file=file, line=statement.name.line)) from error.__cause__
        with self.store.drafting(name) as (version, folder):
            model.save(folder)
            features, labels = _columns(model, bound, rows)
            manifest = Manifest(
                name=name,
                model_type=chosen.model_type,
                version=version,
                created=now.isoformat(),
                modified=now.isoformat(),
                features=features,
                labels=labels,
                options=chosen.written,
                feature_info=_feature_info(rows, [name for name, _ in features], chosen.model_type),
                files=digests(folder),
                transform=bound.as_dict() if bound is not None else None,
                description=chosen.description,
                friendly_name=chosen.friendly_name,
                tags=chosen.tags,
                expires=expires.isoformat() if expires is not None else None,
            )
            if replaces:
                self.store.replace(manifest)
            else:
                self.store.create(manifest)
        return ModelChange("replaced" if before is not None else "created", name, chosen.model_type, rows.num_rows)

    def _bound(self, statement: CreateModel, rows: pa.Table, file: str | None) -> BoundTransform | None:
        if statement.transform is None:
            return None
        transform = read_transform(statement.transform.sql, file=file)
        transform.check(rows.column_names)
        fit = transform.fit_sql(_ROWS)
        statistics: Mapping[str, Any] | None = None
        if fit is not None:
            with self.engine.read(fit, {_ROWS: rows}) as reader:
                statistics = reader.read_all().to_pylist()[0]
        return transform.bind(statistics, rows.column_names)

    def _apply(self, bound: BoundTransform | None, rows: pa.Table) -> pa.Table:
        if bound is None:
            return rows
        with self.engine.read(bound.select_sql(_ROWS), {_ROWS: rows}) as reader:
            return reader.read_all()


def _check_columns(chosen: Chosen, rows: pa.Table, file: str | None) -> None:
    """Raises SpecError where an option names a column that the query does not give, DataRefused without rows."""
    names: Sequence[str] = rows.column_names
    problems = [chosen.missing(given, names, file) for given in chosen.columns if find(names, given.column) is None]
    if problems:
        raise refused(problems)
    if rows.num_rows == 0 and rows.num_columns:
        raise DataRefused("the training query gives no rows", fix="Look at its WHERE and at the dates of its tables.")


def _feature_info(rows: pa.Table, names: Sequence[str], model_type: str) -> tuple[dict[str, Any], ...]:
    given = [name for name in names if name in rows.column_names]
    return feature_info(rows, given, categories=model_type == "matrix_factorization")


def _columns(
    model: TrainedModel, bound: BoundTransform | None, rows: pa.Table
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """(features, labels) as the rows of a later call must bring them: before TRANSFORM."""
    kinds = dict(bigquery_columns(rows.schema))
    labels = tuple((label, kinds.get(find(list(kinds), label) or label, "")) for label in model.labels)
    if bound is None:
        return model.features, tuple(label for label in labels if label[1])
    outputs = {output.name.lower(): output.name for output in bound.outputs}
    made = [outputs[name.lower()] for name, _ in model.features if name.lower() in outputs]
    return (
        tuple((name, kinds[name]) for name in bound.needs(made)),
        tuple((name, kinds[name]) for name in bound.needs([outputs[label.lower()] for label in model.labels])),
    )
