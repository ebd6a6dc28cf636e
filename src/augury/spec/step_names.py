"""Which steps may `throttle` and `limits.steps` speak of, and do they speak of steps that exist?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from augury.errors import Problem, nearest
from augury.names import NAMED_STEPS, is_name
from augury.spec.service import DEFAULT, TRAIN
from augury.spec.yaml_positions import Node

_UNTOUCHED = ("training", "train_model", "validation")
"""Files that are part of another step: train, validate."""
_BEFORE = ("post_process", "validate")
_AFTER = ("publish", "archive")


def throttled(steps: Iterable[str], *, model: bool) -> tuple[str, ...]:
    """What `throttle` may name, given the files and hooks of a pipeline."""
    return (*limited(steps, model=model), *_AFTER, DEFAULT)


def limited(steps: Iterable[str], *, model: bool) -> tuple[str, ...]:
    """What `limits.steps` may name: whatever happens before something is published."""
    own = [step for step in steps if step not in _UNTOUCHED]
    return tuple(dict.fromkeys((*own, *(("predict", TRAIN) if model else ()), *_BEFORE)))


def pipeline_problems(steps: Iterable[str], node: Node, own_files: Collection[str]) -> list[Problem]:
    """Names of one pipeline.yml that are no step of it. What `defaults` say is for other pipelines as well."""
    steps, model = sorted(steps), node.get("model") is not None
    return [
        problem
        for path, known in (
            (("throttle",), throttled(steps, model=model)),
            (("limits", "steps"), limited(steps, model=model)),
        )
        for problem in _problems(node, path, known, "in this folder")
        if problem.file in own_files
    ]


def project_problems(node: Node, steps: Iterable[str]) -> list[Problem]:
    """Names of augury.yml that are none of `steps`, those of all pipelines."""
    steps = sorted({*NAMED_STEPS, *steps})
    may_throttle, may_limit = throttled(steps, model=True), limited(steps, model=True)
    return [
        problem
        for path, known in (
            (("throttle",), may_throttle),
            (("defaults", "throttle"), may_throttle),
            (("defaults", "limits", "steps"), may_limit),
        )
        for problem in _problems(node, path, known, "in any pipeline")
    ]


def _problems(node: Node, path: tuple[str, ...], known: Collection[str], where: str) -> Iterator[Problem]:
    here: Node | None = node
    for key in path:
        here = here.get(key) if here else None
    names = here.keys() if here else ()
    for name in names:
        if name in known or not is_name(name):  # another problem says that it is no name
            continue
        place = node.at((*path, name))
        message = f"there is no step called {name} {where}"
        if path[-1] == "steps" and name in _AFTER:
            message = f"limits are for what happens before publishing, and {name} comes after"
        yield Problem(message, place.file, place.line, ".".join((*path, name)), nearest(name, known))
