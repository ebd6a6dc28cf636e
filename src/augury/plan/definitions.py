"""What does a step read, and what is the fingerprint of its definition?

The bridge between a pipeline's files and the planner: templates are compiled once, hooks are read as source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from augury.errors import Problem, SpecError
from augury.plan.named_tables import named_tables
from augury.plan.steps import Request
from augury.spec.files import Hook, HookParameter, PipelineSpec, ProjectSpec, SqlFile, Step
from augury.spec.others import readable_steps
from augury.sql.compiled import CompiledSql, RunValues
from augury.sql.compiler import Compiler, TemplateFacts
from augury.sql.facts import Refused
from augury.sql.facts import relation_of as checked_relation
from augury.sql.fingerprint import combine, hook_fingerprint
from augury.sql.relations import (
    History,
    Outcome,
    Published,
    Ref,
    Reference,
    Relation,
    Source,
    Staging,
    Window,
)


@dataclass(frozen=True)
class StepDefinition:
    """One step as it is for one date."""

    name: str
    reads: tuple[Relation, ...]
    """Without duplicates, in order of appearance."""
    fingerprint: str
    """Of the parsed SQL, the hook, the declared columns and keys, and the time columns of what it reads."""
    compiled: CompiledSql | None = None
    hook: Hook | None = None
    parameters: Mapping[str, Relation] | None = None
    """Hook parameter to the relation that it receives."""

    @property
    def file(self) -> str:
        if self.compiled is not None:
            return self.compiled.file
        return self.hook.path if self.hook else ""

    def place_of(self, relation: Relation) -> tuple[str, int | None]:
        """(file, line) where the step asks for a relation."""
        if self.compiled is not None and relation in self.compiled.reads:
            return self.compiled.place_of(relation)
        asking = [name for name, asked in (self.parameters or {}).items() if asked == relation]
        lines = [each.line for each in (self.hook.parameters if self.hook else ()) if each.name in asking]
        return self.file, lines[0] if lines else None


class Definitions:
    """The steps of one pipeline version, compiled when first asked for."""

    def __init__(
        self,
        project: ProjectSpec,
        pipeline: PipelineSpec,
        compiler: Compiler,
        current: Mapping[str, str] | None = None,
    ) -> None:
        """`current` is the version that consumers see of each pipeline; the first where none is named."""
        self.project = project
        self.pipeline = pipeline
        self._compiler = compiler
        self._current = current or {}
        self._family = {(pipeline.name, pipeline.version): self}
        """Those of the pipelines that this one reads, directly or not, and itself."""
        self._steps: dict[tuple[str, str], StepDefinition] = {}
        self._values: dict[date, RunValues] = {}

    def other(self, name: str, version: str) -> Definitions:
        """Another pipeline of the project, in the version that consumers see where none is named."""
        versions = self.project.pipelines[name]
        known = version or self._current.get(name, "")
        key = (name, known if known in versions else next(iter(versions)))
        if key not in self._family:
            found = Definitions(self.project, versions[key[1]], self._compiler, self._current)
            found._family = self._family
            self._family[key] = found
        return self._family[key]

    def values(self, day: date) -> RunValues:
        """The instants that bound a run date."""
        found = self._values.get(day)
        if found is None:
            cutoffs, horizon = self.pipeline.cutoffs, self.pipeline.settings.horizon
            before = self.pipeline.grid.before(day)
            found = RunValues(
                run_date=day,
                cutoff=cutoffs.of(day),
                # The first run date has no date before it: its window begins one day earlier.
                previous_cutoff=cutoffs.of(before) if before else cutoffs.plus(day, -1),
                horizon_end=cutoffs.plus(day, horizon) if horizon is not None else None,
            )
            self._values[day] = found
        return found

    def step(self, name: str, day: date) -> StepDefinition:
        """Raises SpecError where the template of the step cannot be used."""
        step = self.pipeline.steps[name]
        compiled = self._compile(step.sql, name, day) if step.sql else None
        key = (name, compiled.fingerprint if compiled else "")
        found = self._steps.get(key)
        if found is None:
            found = self._steps[key] = self._define(step, compiled)
        if found.compiled is not compiled:
            # Another date of a template that varies with the date: same definition, other values.
            return StepDefinition(name, found.reads, found.fingerprint, compiled, found.hook, found.parameters)
        return found

    def _compile(self, file: SqlFile, name: str, day: date) -> CompiledSql:
        return self._compiler.compile(name, file, self._template_facts, self.values(day))

    @cached_property
    def _template_facts(self) -> TemplateFacts:
        return TemplateFacts(
            pipeline=self.pipeline.name,
            version=self.pipeline.version,
            target=self.project.environment or self.project.target_name,
            namespace=self.project.namespace,
            variables=dict(self.pipeline.vars),
            sources=tuple(self.project.sources),
            steps=tuple(dict.fromkeys((*self.pipeline.steps, "predict", "post_process"))),
            references=tuple(self.project.references),
            others=self._readable(),
            pipelines=self.project.names or tuple(self.project.pipelines),
            dialect=self.pipeline.dialect,
            snapshots=tuple(name for name, source in self.project.sources.items() if source.snapshot),
            tables=named_tables(self.project, self.pipeline),
            production=self.project.production,
            plain=self.pipeline.tables.batchml,
        )

    def _readable(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Steps of other pipelines, and of other versions of this one, by pipeline and version."""
        own = self.pipeline
        out: dict[str, dict[str, tuple[str, ...]]] = {}
        for name, versions in self.project.pipelines.items():
            out[name] = {version: readable_steps(spec) for version, spec in versions.items()}
            if name == own.name:
                del out[name][own.version]
            else:
                seen = self._current.get(name, next(iter(versions)))
                if seen in versions:
                    out[name][""] = readable_steps(versions[seen])
        return out

    def _define(self, step: Step, compiled: CompiledSql | None) -> StepDefinition:
        reads: list[Relation] = list(compiled.reads) if compiled else []
        parameters: dict[str, Relation] = {}
        if step.hook:
            for parameter in step.hook.parameters:
                relation = self._asked_for(step.hook, parameter)
                if relation is not None:
                    parameters[parameter.name] = relation
                    reads.append(relation)
        unique = tuple(dict.fromkeys(reads))
        parts = [
            compiled.fingerprint if compiled else "",
            hook_fingerprint(self.pipeline.hooks_text, step.hook.function) if step.hook else "",
            # Hooks see variables through their context; SQL has them in its text.
            repr(sorted(self.pipeline.vars.items())) if step.hook else "",
            step.settings.model_dump_json(exclude={"description"}),
            *(self._source_times(relation) for relation in unique),
        ]
        return StepDefinition(
            step.name, unique, combine(*parts), compiled, step.hook, parameters if step.hook else None
        )

    def _asked_for(self, hook: Hook, parameter: HookParameter) -> Relation | None:
        if parameter.relation not in ("ref", "history") or "." not in str(parameter.arguments[0]):
            return relation_of(parameter.relation, parameter.arguments)
        try:
            return checked_relation(parameter.relation, parameter.arguments, {}, self._template_facts, hook.function)
        except Refused as error:
            key = f"{hook.function}({parameter.name})"
            raise SpecError([Problem(error.message, hook.path, parameter.line, key, error.suggestion)]) from error

    def _source_times(self, relation: Relation) -> str:
        if not isinstance(relation, Source | Window | Outcome):
            return ""
        source = self.project.sources[relation.name]
        zone = source.timezone or self.project.settings.timezone
        return f"{relation.name}|{source.event_time}|{source.known_at}|{zone}"


_BESIDE: Any = {
    **dict.fromkeys(("description", "owner", "url", "note", "labels", "throttle"), True),
    "schedule": {"catchup", "paused", "poll"},
    "model": {"train": {"catchup"}},
}
"""Keys that say nothing about what is built: words for people, and when the service does it."""


def spec_fingerprint(definitions: Definitions, request: Request) -> str:
    """Of everything in the project's files that a plan of this request is made from."""
    pipeline = definitions.pipeline
    day = request.dates[0] if request.dates else pipeline.settings.start
    return combine(
        pipeline.settings.model_dump_json(exclude=_BESIDE),
        *(definitions.step(name, day).fingerprint for name in pipeline.steps),
    )


def relation_of(kind: str, arguments: tuple[str | int, ...]) -> Relation | None:
    """The relation that a hook's parameter asks for; None for `rows`, `context` and `var`."""
    match kind, arguments:
        case "source", (str(name),):
            return Source(name)
        case "window", (str(name),):
            return Window(name)
        case "outcome", (str(name),):
            return Outcome(name)
        case "ref", (str(name),):
            return Ref(name)
        case "history", (str(name), int(days)):
            return History(name, days)
        case "reference", (str(name),):
            return Reference(name)
        case "staging", ():
            return Staging()
        case "published", ():
            return Published()
    return None
