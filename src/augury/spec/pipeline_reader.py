"""How do the files of one pipeline become its versions, resolved against the project and the target?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from augury.errors import Problem
from augury.names import TableNames, is_name
from augury.spec.cascade import cascade, laid_over, origins_of
from augury.spec.checks import Checks
from augury.spec.files import Hook, PipelineSpec, SqlFile, Step
from augury.spec.folder import Reader, VersionFiles
from augury.spec.hooks_reader import EVENTS, Known, parse_hooks, resolve_hooks
from augury.spec.messages import problems_of
from augury.spec.pipeline import PipelineSettings, StepSettings
from augury.spec.project import ProjectSettings, TargetSpec
from augury.spec.settings import Dialect, Var
from augury.spec.step_names import pipeline_problems
from augury.spec.yaml_positions import Node

_OF_TARGETS = "belongs to a target of augury.yml: a pipeline cannot choose where it writes"
_NOT_HERE = {
    **dict.fromkeys(("namespace", "path", "target", "targets", "warehouse", "output", "ledger"), _OF_TARGETS),
    "name": "the folder of a pipeline is its name",
    "version": "a version is a folder: pipelines/<name>/v2/",
    "sources": "sources belong to augury.yml",
    "timezone": "the zone of a pipeline is `schedule.timezone`",
    "service": "belongs to augury.yml: there is one service for all pipelines",
}


@dataclass(frozen=True)
class Surroundings:
    """What a pipeline is resolved against; `settings` or `node` are None where augury.yml is unusable."""

    settings: ProjectSettings | None
    node: Node | None
    target_name: str
    references: Mapping[str, Path]
    variables: Mapping[str, Var]
    """Given with --vars."""
    pipelines: tuple[str, ...] = ()
    """Names of all pipelines of the project."""

    @property
    def deployment(self) -> str:
        return (self.settings.deployment if self.settings else None) or ""

    @property
    def timezone(self) -> str:
        return self.settings.timezone if self.settings else "UTC"

    @property
    def dialect(self) -> Dialect:
        return self.settings.dialect if self.settings else "duckdb"

    @property
    def defaults(self) -> Node | None:
        node = self.node.get("defaults") if self.node else None
        return node if node is not None and isinstance(node.value, dict) else None

    @property
    def source_names(self) -> tuple[str, ...] | None:
        """None where augury.yml could not be read at all."""
        if self.node is None:
            return None
        sources = self.node.get("sources")
        return sources.keys() if sources else ()

    def variable_layers(self) -> tuple[tuple[Mapping[str, Var], Node | None], ...]:
        """Variables of the project and of the target, each with the node that gave them."""
        if self.settings is None or self.node is None:
            return ()
        target = self.settings.targets.get(self.target_name, TargetSpec())
        return (
            (self.settings.vars, self.node.get("vars")),
            (target.vars, self.node.at(("targets", self.target_name, "vars"))),
        )


class PipelineReader:
    """Reads pipelines one by one; problems end up in `files.problems`."""

    def __init__(self, files: Reader, around: Surroundings) -> None:
        self.files = files
        self.around = around
        self.steps: set[str] = set()
        """Of everything that was read, unusable versions included."""

    def of_batchml(self, versions: Iterable[VersionFiles]) -> dict[str, PipelineSpec]:
        """The usable versions of one model of a BatchML project, ascending."""
        read = {files.version: self._version(files) for files in versions}
        return {version: spec for version, spec in read.items() if spec is not None}

    def versions(self, name: str) -> dict[str, PipelineSpec]:
        """The usable versions of one pipeline, ascending."""
        if not is_name(name):
            message = "is not a pipeline's name: lower-case letters, digits and _, beginning with a letter"
            better = name.lower().replace("-", "_")
            close = better if is_name(better) else None
            self.files.problems.append(Problem(message, f"pipelines/{name}", suggestion=close))
        read = {files.version: self._version(files) for files in self.files.versions(name)}
        return {version: spec for version, spec in read.items() if spec is not None}

    def _version(self, files: VersionFiles) -> PipelineSpec | None:
        around = self.around
        node = self._node(files)
        settings = self._settings(node)
        own = (settings.vars if settings else {}, node.get("vars") if node else None)
        values, origins = cascade((*around.variable_layers(), own), around.variables)
        hooks, events = self._hooks(files, values if settings and around.settings else None)
        self.steps |= {*files.sql, *hooks}
        if node is not None:
            self.files.problems += pipeline_problems({*files.sql, *hooks}, node, {file.path for file in files.settings})
        if settings is None or node is None:
            return None
        steps = _steps(files.sql, hooks, settings)
        self.files.problems += Checks(settings, node, files, steps).problems()
        path = settings.model.path if settings.model else None
        return PipelineSpec(
            name=files.pipeline,
            version=files.version,
            settings=settings,
            folder=files.folder,
            file=files.settings[-1].path if files.settings else node.file,
            steps=steps,
            event_hooks=events,
            hooks_text=files.hooks.text if files.hooks else "",
            tables=TableNames(files.pipeline, files.version, around.deployment, files.batchml),
            vars=values,
            zone=ZoneInfo(settings.schedule.timezone or around.timezone),
            dialect=_dialect(settings, around),
            model_path=files.find(path) if path else None,
            origins={**origins_of(node), **origins},
        )

    def _node(self, files: VersionFiles) -> Node | None:
        layers = [files.node] if files.node else [self.files.yaml(file) for file in files.settings]
        if not layers or any(layer is None for layer in layers):
            return None
        return laid_over(layer for layer in (self.around.defaults, *layers) if layer is not None)

    def _settings(self, node: Node | None) -> PipelineSettings | None:
        if node is None:
            return None
        try:
            return PipelineSettings.model_validate(node.plain())
        except ValidationError as error:
            problems = problems_of(error, PipelineSettings, node, elsewhere=_NOT_HERE)
            defaults = self.around.defaults
            for problem in problems:
                shared = defaults is not None and problem.file == defaults.file
                key = f"defaults.{problem.key}" if shared else problem.key
                self.files.problems.append(replace(problem, key=key))
            return None

    def _hooks(
        self, files: VersionFiles, variables: Mapping[str, Var] | None
    ) -> tuple[dict[str, Hook], dict[str, Hook]]:
        """Hooks of steps, and hooks of events."""
        if files.hooks is None:
            return {}, {}
        parsed, problems = parse_hooks(files.hooks.text, files.hooks.path, files.sql)
        steps = tuple(dict.fromkeys((*files.sql, *parsed.steps)))
        known = Known(
            steps, files.sql, self.around.source_names, self.around.references, variables, self.around.pipelines
        )
        hooks, more = resolve_hooks(parsed, known)
        self.files.problems += [*problems, *more]
        events = {name: hook for name, hook in hooks.items() if name in EVENTS}
        return {name: hook for name, hook in hooks.items() if name not in EVENTS}, events


def _steps(files: Mapping[str, SqlFile], hooks: Mapping[str, Hook], settings: PipelineSettings) -> dict[str, Step]:
    """The steps by name, in alphabetical order. What predicting.sql does is called predict, as in every pipeline."""
    in_sql = settings.model is not None and settings.model.in_sql
    sql = {"predict" if in_sql and name == "predicting" else name: file for name, file in files.items()}
    return {
        name: Step(name, sql.get(name), hooks.get(name), settings.steps.get(name, StepSettings()))
        for name in sorted({*sql, *hooks})
    }


def _dialect(settings: PipelineSettings, around: Surroundings) -> Dialect:
    """A model in SQL is BigQuery's, whatever the rest of the project is written in."""
    if settings.model is not None and settings.model.in_sql:
        return "bigquery"
    return settings.dialect or around.dialect
