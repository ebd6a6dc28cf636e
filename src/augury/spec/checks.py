"""Do the keys and files of one pipeline fit together? Everything that no single key can say about itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from augury import plugins
from augury.errors import PluginError, Problem, nearest
from augury.names import NAMED_STEPS
from augury.spec.files import Step
from augury.spec.folder import VersionFiles
from augury.spec.messages import problems_of
from augury.spec.metrics import METRICS
from augury.spec.pipeline import IN_SQL, Model, PipelineSettings
from augury.spec.yaml_positions import Node


class Checks:
    """Finds every problem of one version; `node` says on which lines its settings stand."""

    def __init__(self, settings: PipelineSettings, node: Node, files: VersionFiles, steps: dict[str, Step]) -> None:
        self.settings = settings
        self.node = node
        self.files = files
        self.steps = steps

    def problems(self) -> list[Problem]:
        parts: tuple[Callable[[], Iterator[Problem]], ...] = (
            self.dates,
            self.step_files,
            self.step_settings,
            self.model,
        )
        return [problem for part in parts for problem in part()]

    def problem(self, message: str, *path: str, suggestion: str | None = None) -> Problem:
        place = self.node.at(path)
        return Problem(message, place.file, place.line, ".".join(path) or None, suggestion)

    def dates(self) -> Iterator[Problem]:
        start, end = self.settings.start, self.settings.end
        if end is not None and end <= start:
            message = f"{end} must be after start ({start}): it is the first day without a run"
            yield self.problem(message, "end")

    def step_files(self) -> Iterator[Problem]:
        if self.settings.model is not None and self.settings.model.in_sql:
            yield from self._files_of_sql_model()
            return
        if "prepare" not in self.steps:
            close = nearest("prepare", self.steps)
            hint = f" (found {close}: rename it)" if close else ""
            yield self.problem(
                f"there is no prepare.sql and no hook `prepare`: it makes the rows that are scored{hint}"
            )
        unused = [name for name in self.steps if name not in NAMED_STEPS and name != "prepare"]
        for name in unused:
            meant = nearest(name, [known for known in NAMED_STEPS if known not in self.steps])
            if meant and meant != "prepare" and not self._mentioned(name) and not self.files.named_elsewhere(name):
                path = self._path(name)
                suggestion = f"{meant}.sql" if path.endswith(".sql") else meant
                yield Problem("nothing reads this step", path, suggestion=suggestion)

    def _files_of_sql_model(self) -> Iterator[Problem]:
        for step, file in (("train_model", "train_model.sql"), ("predict", "predicting.sql")):
            found = self.steps.get(step)
            if found is None or found.sql is None:
                yield self.problem(f"there is no {file}: a model of the type {IN_SQL} is what it says", "model", "type")
            elif found.hook is not None:
                yield Problem(f"{step} of a model in SQL is SQL alone", found.hook.path, found.hook.line)
        for step in ("prepare", "filter", "label"):
            if step in self.steps:
                message = f"a model of the type {IN_SQL} has training.sql and scoring.sql instead"
                yield Problem(message, self._path(step))

    def _path(self, step: str) -> str:
        found = self.steps[step]
        file = found.sql or found.hook
        return file.path if file else ""

    def _mentioned(self, step: str) -> bool:
        """Whether any other step reads `step`, judged by the text alone."""
        for other in self.steps.values():
            sql = other.sql.text if other.sql and other.name != step else ""
            asked = [
                name for parameter in (other.hook.parameters if other.hook else ()) for name in parameter.arguments
            ]
            if f"'{step}'" in sql or f'"{step}"' in sql or step in asked:
                return True
        return False

    def step_settings(self) -> Iterator[Problem]:
        for name in self.settings.steps:
            if name not in self.steps and name not in ("predict", "publish"):
                known = (*self.steps, "predict", "publish")
                message = f"there is no step called {name} in this folder"
                yield self.problem(message, "steps", name, suggestion=nearest(name, known))

    def model(self) -> Iterator[Problem]:
        model = self.settings.model
        if model is None:
            for step in ("label", "training"):
                if step in self.steps:
                    yield self.problem(f"`model` is required: there is a step {step}, but nothing to train")
        if "label" in self.steps and self.settings.horizon is None:
            yield self.problem("`horizon` is required: it is how far label looks ahead, such as 90d")
        if not self.settings.entities and not (model is not None and model.in_sql):
            yield self.problem("a column name is empty", "entity")
        if model is None:
            return
        if model.in_sql:
            yield from self._in_sql(model)
            return
        yield from self._columns(model)
        try:
            kind = kind_of(model.type)
        except PluginError as error:
            known = plugins.names("models")
            if model.type in known:
                yield self.problem(f"{error.what}. {error.fix}", "model", "type")
            else:
                message = f"there is no model type called {model.type!r} ({', '.join(known)})"
                yield self.problem(message, "model", "type", suggestion=nearest(model.type, known))
            return
        yield from self._options(kind, model)
        yield from self._gate(kind, model)
        yield from self._trained(model) if kind.trains else self._from_file(model)

    def _in_sql(self, model: Model) -> Iterator[Problem]:
        for key in ("path", "features", "options"):
            if getattr(model, key):
                message = f"train_model.sql says what a model of the type {IN_SQL} learns and how"
                yield self.problem(message, "model", key)
        if self.settings.dialect == "duckdb":
            yield self.problem(f"a model of the type {IN_SQL} is written in BigQuery's dialect", "dialect")
        if model.gate.beats is not None:
            message = "models in SQL are evaluated on rows of their own, so that two of them cannot be compared"
            yield self.problem(message, "model", "gate", "beats")

    def _columns(self, model: Model) -> Iterator[Problem]:
        for column in model.features or ():
            if column in self.settings.entities:
                yield self.problem(f"{column} is the entity: it cannot be a feature", "model", "features")
            if column in model.exclude:
                yield self.problem(f"{column} is a feature and excluded at once", "model", "exclude")
            if column == model.label:
                yield self.problem(f"{column} is the label: it cannot be a feature", "model", "features")
        if model.features is not None and len(set(model.features)) != len(model.features):
            yield self.problem("a feature stands twice", "model", "features")

    def _options(self, kind: Any, model: Model) -> Iterator[Problem]:
        options: type[BaseModel] = kind.Options
        node = self.node.at(("model", "options"))
        try:
            options.model_validate(model.options)
        except ValidationError as error:
            yield from problems_of(error, options, node, ("model", "options"))

    def _gate(self, kind: Any, model: Model) -> Iterator[Problem]:
        known = METRICS.get(kind.task or "", tuple(name for names in METRICS.values() for name in names))
        for metric in model.gate.thresholds:
            if metric not in known:
                task = f" of a {kind.task}" if kind.task else ""
                message = f"there is no metric{task} called {metric} ({', '.join(known)})"
                yield self.problem(message, "model", "gate", metric, suggestion=nearest(metric, known))

    def _trained(self, model: Model) -> Iterator[Problem]:
        if "label" not in self.steps and "training" not in self.steps:
            message = f"{model.type} is trained, so there must be a label.sql (or a training.sql)"
            yield self.problem(message, "model", "type")
        if model.path is not None:
            message = f"{model.type} is trained: a model file has the type lightgbm or xgboost"
            yield self.problem(message, "model", "path")
        if model.train.every > model.train.window:
            message = f"{model.train.every}d is longer than the window of {model.train.window}d"
            yield self.problem(f"{message}: most ticks would have no training date", "model", "train", "every")

    def _from_file(self, model: Model) -> Iterator[Problem]:
        if model.features is None:
            message = f"`features` is required for a {model.type} file: its columns, in the order of training"
            yield self.problem(message, "model")
        if model.path is None:
            yield self.problem(f"`path` is required: the {model.type} file to score with", "model")
        elif self.files.find(model.path) is None:
            yield self.problem(f"there is no file {model.path} in the pipeline's folder", "model", "path")


@cache
def kind_of(name: str) -> Any:
    """The model kind called `name`. Raises PluginError."""
    return plugins.load("models", name)
