"""What may a template name, and which relation does a call stand for?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from augury.errors import nearest
from augury.names import NAMED_STEPS
from augury.sql.fingerprint import combine
from augury.sql.relations import (
    History,
    OtherHistory,
    OtherRef,
    Outcome,
    Published,
    Ref,
    Reference,
    Relation,
    Source,
    Staging,
    Window,
)

RELATIONS = ("source", "window", "ref", "history", "outcome", "reference", "staging", "published")
"""The relation functions."""

RUN_VALUES = ("run_date", "cutoff", "previous_cutoff", "horizon_end")
"""What changes from date to date: fields of RunValues."""

LONGEST_HISTORY = 36_525
"""Days: a century."""


@dataclass(frozen=True)
class TemplateFacts:
    """The names that the templates of one pipeline version may use."""

    pipeline: str
    version: str
    target: str
    namespace: str
    variables: Mapping[str, Any]
    sources: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    """What `ref` and `history` may name, predict and post_process included where the pipeline has them."""
    references: tuple[str, ...] = ()
    others: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Steps of other pipelines that may be read, by pipeline and version, with `` for the current version. The other
    versions of the pipeline itself are among them."""
    pipelines: tuple[str, ...] = ()
    """Names of all pipelines of the project, for the nearest spelling."""
    dialect: str = "duckdb"
    """In which the templates are written."""
    snapshots: tuple[str, ...] = ()
    """Sources whose rows have no time."""
    tables: Mapping[str, Relation] = field(default_factory=dict)
    """Tables that may be called by their own full name."""
    production: str = ""
    """The dataset that the templates may not name; empty for none."""
    plain: bool = False
    """Variables are printed as they are, as BatchML does: into names and inside quotes too."""
    bare: Mapping[str, str] = field(init=False)
    """Names printed as they are, without quotes: validated long before they come here."""

    def __post_init__(self) -> None:
        bare = {
            "target_dataset": self.namespace,
            "environment": self.target,
            "model_code": self.pipeline,
            "version_code": self.version,
        }
        object.__setattr__(self, "bare", bare)

    @cached_property
    def key(self) -> str:
        """Two facts with the same key render every template to the same text."""
        variables = json.dumps(dict(self.variables), sort_keys=True, default=repr)
        lists = json.dumps([sorted(self.sources), sorted(self.steps), sorted(self.references)])
        others = json.dumps({name: dict(versions) for name, versions in self.others.items()}, sort_keys=True)
        whose = (self.pipeline, self.version, self.target, self.namespace, self.production, self.dialect)
        return combine(*whose, *sorted(self.tables), variables, lists, others)


class Refused(Exception):
    """Something in a template that cannot be; becomes a Problem with its file and line."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def relation_of(
    kind: str, positional: tuple[Any, ...], named: Mapping[str, Any], facts: TemplateFacts, step: str
) -> Relation:
    """The relation that a call in the template of `step` stands for. Raises Refused."""
    match kind:
        case "source":
            return Source(_declared(kind, positional, named, facts.sources, "source"))
        case "window":
            return Window(_timed(kind, positional, named, facts))
        case "outcome":
            _only_after_the_horizon(step)
            return Outcome(_timed(kind, positional, named, facts))
        case "reference":
            return Reference(_declared(kind, positional, named, facts.references, "reference table"))
        case "ref":
            if len(positional) == 1 and not named and _is_other(positional[0]):
                return OtherRef(*_of_another(kind, positional[0], facts, step))
            name = _declared(kind, positional, named, facts.steps, "step")
            _readable(kind, name, step)
            return Ref(name)
        case "history":
            return _history(positional, named, facts, step)
    if positional or named:
        raise Refused(f"{kind}() takes no arguments")
    if step != "validation":
        raise Refused(f"{kind}() can be read in validation.sql only")
    return Staging() if kind == "staging" else Published()


def _history(positional: tuple[Any, ...], named: Mapping[str, Any], facts: TemplateFacts, step: str) -> Relation:
    arguments = dict(zip(("step", "days"), positional, strict=False)) | dict(named)
    if len(positional) > 2 or set(arguments) != {"step", "days"}:
        raise Refused("history() takes a step and a number of days", "history('prepare', days=365)")
    days = arguments["days"]
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= LONGEST_HISTORY:
        raise Refused(f"history(): days is {days!r}, but it is a whole number from 1 to {LONGEST_HISTORY}")
    if _is_other(arguments["step"]):
        return OtherHistory(*_of_another("history", arguments["step"], facts, step), days)
    name = _known("history", arguments["step"], facts.steps, "step")
    if name != step:
        _readable("history", name, step)
    return History(name, days)


def _declared(
    kind: str, positional: tuple[Any, ...], named: Mapping[str, Any], known: tuple[str, ...], what: str
) -> str:
    if named or len(positional) != 1:
        raise Refused(f"{kind}() takes one name", f"{kind}('{known[0] if known else what}')")
    return _known(kind, positional[0], known, what)


def _timed(kind: str, positional: tuple[Any, ...], named: Mapping[str, Any], facts: TemplateFacts) -> str:
    name = _declared(kind, positional, named, facts.sources, "source")
    if name in facts.snapshots:
        raise Refused(f"{kind}({name!r}): the source is a snapshot, whose rows have no time", f"source({name!r})")
    return name


def _known(kind: str, name: Any, known: tuple[str, ...], what: str) -> str:
    if not isinstance(name, str):
        raise Refused(f"{kind}() takes the name of a {what} in quotes")
    if name not in known:
        names = list(dict.fromkeys(known))
        there = f" (there is {', '.join(names)})" if 0 < len(names) <= 8 else ""
        raise Refused(f"{kind}({name!r}): no such {what}{there}", nearest(name, known))
    return name


# -- steps of other pipelines ------------------------------------------------------------------------------------

_NOT_READ = {
    "post_process": "candidates are nobody else's business",
    "validation": "it leaves no table that a step could read",
    "training": "it leaves no table that a step could read",
}


def _is_other(name: Any) -> bool:
    return isinstance(name, str) and "." in name


def _of_another(kind: str, name: str, facts: TemplateFacts, step: str) -> tuple[str, str, str]:
    """(pipeline, version, step) of a dotted name; the version is empty where none is named. Raises Refused."""
    pipeline, *middle, other = name.split(".")
    version = middle[0] if middle else ""
    if len(middle) > 1 or not pipeline or not other or (middle and not version):
        raise Refused(
            f"{kind}({name!r}): write pipeline.step, or pipeline.v2.step", f"{pipeline or 'pipeline'}.predictions"
        )
    if pipeline == facts.pipeline and version in ("", facts.version):
        raise Refused(f"{kind}({name!r}) is a step of this pipeline: it goes by its own name", other)
    versions = facts.others.get(pipeline)
    if versions is None:
        close = nearest(pipeline, facts.pipelines)
        raise Refused(f"{kind}({name!r}): no such pipeline", f"{close}.{other}" if close else None)
    if version not in versions:
        there = ", ".join(each for each in versions if each)
        if not version:
            # Its folder is gone: whose rows are meant is for whoever wrote this to say.
            gone = f"the version of {pipeline} that consumers see is not in the project (there is {there})"
            raise Refused(f"{kind}({name!r}): {gone}", f"{pipeline}.{next(iter(versions))}.{other}")
        raise Refused(f"{kind}({name!r}): {pipeline} has no version {version} (there is {there})")
    return pipeline, version, _other_step(kind, name, other, versions[version], step)


def _other_step(kind: str, name: str, other: str, known: tuple[str, ...], step: str) -> str:
    prefix = name.removesuffix(other)
    if other in ("predictions", "publish"):
        return "publish"
    if other in _NOT_READ:
        raise Refused(f"{kind}({name!r}): {_NOT_READ[other]}", f"{prefix}predictions")
    if other not in known:
        close = nearest(other, (*known, "predictions"))
        there = f" (there is {', '.join((*known, 'predictions'))})" if len(known) <= 8 else ""
        raise Refused(f"{kind}({name!r}): no such step{there}", f"{prefix}{close}" if close else None)
    if other == "label" and kind == "ref" and step in NAMED_STEPS and step not in ("label", "training"):
        raise Refused(f"{kind}({name!r}): {step} cannot know the label, which closes after the horizon")
    return other


def _only_after_the_horizon(step: str) -> None:
    """Intermediate steps may read outcomes; that only labels use them is checked over all steps."""
    if step in NAMED_STEPS and step not in ("label", "training"):
        raise Refused(f"outcome() is what happened after the cutoff: {step}.sql cannot know it, label.sql can")


def _readable(kind: str, name: str, step: str) -> None:
    if name == step:
        raise Refused(f"{kind}({name!r}): a step cannot read its own partition of the same date")
    if name in ("validation", "training"):
        raise Refused(f"{kind}({name!r}): {name} leaves no table that a step could read")
    # history('label') is another matter: it holds closed labels only.
    if name == "label" and kind == "ref" and step in NAMED_STEPS and step != "training":
        raise Refused(f"{kind}('label'): {step}.sql cannot know the label, which closes after the horizon")
