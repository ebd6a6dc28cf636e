"""What must every type of model do? Subclass `ModelTypeContract` and give it a `case`.

    class TestMine(ModelTypeContract):
        @pytest.fixture(scope="class")
        @classmethod
        def case(cls) -> Case:
            training = Training("mine", rows, {...})
            return Case(Mine, training, rows, by_row={"predict": {}}, over_rows={"evaluate": {}}, alone={"weights": {}})

A promise that a type cannot keep is a strict expected failure with a reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Call, ModelType, TrainedModel, Training
from augury.errors import ModelFailed, UsageError

Asked = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Case:
    """A model of a type, and what it is asked: function to settings."""

    kind: type[ModelType]
    training: Training
    ask: pa.Table
    by_row: Asked = field(default_factory=dict)
    """Functions that answer each row by itself."""
    over_rows: Asked = field(default_factory=dict)
    """Functions that sum rows up."""
    alone: Asked = field(default_factory=dict)
    """Functions that are asked without rows."""
    volatile: frozenset[str] = frozenset({"duration_ms"})
    """Columns that say how long something took."""


def reader(table: pa.Table, batch_rows: int = 1 << 20) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=batch_rows))


class ModelTypeContract:
    """The suite."""

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        raise AssertionError("give your suite a `case` fixture")

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, case: Case) -> TrainedModel:
        return case.kind.train(case.training)

    def answers(self, case: Case, model: TrainedModel, batch_rows: int = 1 << 20) -> dict[str, pa.Table]:
        """Everything that the case asks."""
        found: dict[str, pa.Table] = {}
        for function, settings in {**case.by_row, **case.over_rows}.items():
            call = Call(function, reader(case.ask, batch_rows), settings)
            found[f"{function} of rows"] = self.steady(case, model.call(call).read_all())
        for function, settings in case.alone.items():
            found[function] = self.steady(case, model.call(Call(function, settings=settings)).read_all())
        return found

    def steady(self, case: Case, table: pa.Table) -> pa.Table:
        return table.drop_columns([name for name in table.column_names if name in case.volatile]).combine_chunks()

    def test_it_is_a_type_of_model(self, case: Case, model: TrainedModel) -> None:
        assert isinstance(model, TrainedModel)
        assert case.training.model_type in case.kind.names
        assert model.model_type == case.training.model_type

    def test_every_function_is_asked_for_here(self, case: Case, model: TrainedModel) -> None:
        assert model.functions == case.by_row.keys() | case.over_rows.keys() | case.alone.keys()

    def test_the_same_training_gives_the_same_model(self, case: Case, model: TrainedModel) -> None:
        assert self.answers(case, case.kind.train(case.training)) == self.answers(case, model)

    def test_what_is_saved_answers_the_same(self, case: Case, model: TrainedModel, tmp_path: Path) -> None:
        model.save(tmp_path)
        assert not [path.name for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]
        loaded = case.kind.load(tmp_path, model.model_type, 1)
        assert loaded.features == model.features
        assert loaded.labels == model.labels
        assert loaded.functions == model.functions
        assert self.answers(case, loaded) == self.answers(case, model)

    @pytest.mark.parametrize("batch_rows", [1, 7])
    def test_the_size_of_batches_changes_nothing(self, case: Case, model: TrainedModel, batch_rows: int) -> None:
        whole = {function: table for function, table in self.answers(case, model).items() if "rows" in function}
        parts = self.answers(case, model, batch_rows)
        for function, table in whole.items():
            if function.removesuffix(" of rows") in case.by_row:
                assert parts[function] == table, function
            else:
                # Sums over other batches round differently.
                assert_close(parts[function], table)

    def test_columns_are_known_before_the_first_row(self, case: Case, model: TrainedModel) -> None:
        def untouchable() -> Iterator[pa.RecordBatch]:
            if case.ask.num_rows:
                raise AssertionError("rows were read to find the columns")
            yield from ()

        for function, settings in case.by_row.items():
            rows = pa.RecordBatchReader.from_batches(case.ask.schema, untouchable())
            schema = model.call(Call(function, rows, settings)).schema
            assert schema == model.call(Call(function, reader(case.ask), settings)).read_all().schema, function

    def test_no_rows_give_no_rows(self, case: Case, model: TrainedModel) -> None:
        for function, settings in case.by_row.items():
            assert model.call(Call(function, reader(case.ask.slice(0, 0)), settings)).read_all().num_rows == 0, function

    def test_the_order_and_letter_case_of_columns_do_not_matter(self, case: Case, model: TrainedModel) -> None:
        turned = case.ask.select(list(reversed(case.ask.column_names)))
        shouted = turned.rename_columns([name.upper() for name in turned.column_names])
        for function, settings in case.by_row.items():
            before = model.call(Call(function, reader(case.ask), settings)).read_all()
            after = model.call(Call(function, reader(shouted), settings)).read_all()
            names = {name.lower(): name for name in after.column_names}
            for name in before.column_names:
                assert after.column(names[name.lower()]).equals(before.column(name)), (function, name)

    def test_columns_that_transform_made_are_used_and_not_shown(self, case: Case, model: TrainedModel) -> None:
        if not model.features or not case.by_row:
            return
        feature = model.features[0][0]
        hidden = case.ask.append_column("__augury_0", case.ask.column(feature))
        nonsense = pa.nulls(case.ask.num_rows, case.ask.schema.field(feature).type)
        hidden = hidden.set_column(hidden.column_names.index(feature), feature, nonsense)
        for function, settings in case.by_row.items():
            before = model.call(Call(function, reader(case.ask), settings)).read_all()
            after = model.call(Call(function, reader(hidden), settings, {feature: "__augury_0"})).read_all()
            assert "__augury_0" not in after.column_names
            for name in set(before.column_names) & set(after.column_names) - {feature}:
                assert after.column(name).equals(before.column(name)), (function, name)

    def test_unknown_settings_are_refused(self, case: Case, model: TrainedModel) -> None:
        for function, settings in {**case.by_row, **case.over_rows}.items():
            with pytest.raises(UsageError):
                model.call(Call(function, reader(case.ask), {**settings, "no_such_setting": 1})).read_all()
        for function, settings in case.alone.items():
            with pytest.raises(UsageError):
                model.call(Call(function, settings={**settings, "no_such_setting": 1})).read_all()

    def test_questions_that_cannot_be_answered(self, case: Case, model: TrainedModel) -> None:
        for function, settings in case.by_row.items():
            if function not in case.alone:
                with pytest.raises(UsageError):
                    model.call(Call(function, settings=settings)).read_all()
            bare = pa.table({"nothing_of_this": pa.array([1, 2])})
            with pytest.raises(ModelFailed):
                model.call(Call(function, reader(bare), settings)).read_all()

    def test_several_threads_may_ask_at_once(self, case: Case, model: TrainedModel) -> None:
        once = self.answers(case, model)
        with ThreadPoolExecutor(4) as pool:
            assert all(found == once for found in pool.map(lambda _: self.answers(case, model), range(8)))

    def test_a_folder_that_holds_no_model(self, case: Case, tmp_path: Path) -> None:
        with pytest.raises(ModelFailed):
            case.kind.load(tmp_path, case.training.model_type, 1)

    def test_an_export_names_its_files(self, model: TrainedModel, tmp_path: Path) -> None:
        try:
            files = model.export(tmp_path)
        except UsageError:
            assert list(tmp_path.iterdir()) == []
            return
        assert files
        assert sorted(
            path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
        ) == sorted(files)


def assert_close(left: pa.Table, right: pa.Table) -> None:
    assert left.schema == right.schema
    for one, other in zip(left.to_pylist(), right.to_pylist(), strict=True):
        for name, value in other.items():
            assert one[name] == (pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value), name
