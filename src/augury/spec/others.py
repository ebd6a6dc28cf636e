"""Which other pipelines does a pipeline name? Told from its words, before anything is compiled.

Reading one pipeline means reading those that it reads as well, and people like to see who depends on whom. What the
words cannot say, a name that a template puts together, counts as any pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from augury.spec.files import Hook, Macros, PipelineSpec

_CALL = re.compile(
    r"""\b(?:ref|history)\s*\(\s*(?:step\s*=\s*)?(?:(['"])(?P<name>[^'"\n]*)\1\s*(?P<after>[,)]?)|(?P<made>[^'"\s)]))"""
)
_COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*|/\*.*?\*/", re.DOTALL)


_KEPT_BACK = ("post_process", "validation", "training", "train_model")


def readable_steps(pipeline: PipelineSpec) -> tuple[str, ...]:
    """The steps that other pipelines may read, besides what it published."""
    own = [step for step in pipeline.steps if step not in _KEPT_BACK]
    return tuple(dict.fromkeys((*own, "predict"))) if pipeline.settings.model is not None else tuple(own)


def named_in(versions: Iterable[PipelineSpec], macros: Macros, known: Iterable[str]) -> set[str]:
    """Pipelines of `known` that any of the versions may read; all of them where a name is put together."""
    texts = [file.text for file in macros.files]
    found: set[str] = set()
    for version in versions:
        own = [step.sql.text for step in version.steps.values() if step.sql]
        texts += own
        found |= {name.partition(".")[0] for name in _of_hooks(version)}
        if version.dialect == "bigquery":
            found |= _by_table(own, version.tables.deployment, known)
    for text in texts:
        for call in _CALL.finditer(text):
            if call["made"] or not call["after"]:
                return set(known)
            found.add(call["name"].partition(".")[0] if "." in call["name"] else "")
    return found & set(known)


def _by_table(texts: Iterable[str], deployment: str, known: Iterable[str]) -> set[str]:
    """Pipelines whose tables a text may call by their names in the warehouse."""
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    stems = {f"{deployment}_{name}" if deployment else name: name for name in known}
    return {name for stem, name in stems.items() if any(word.startswith(f"{stem}_") for word in words)}


def steps_named(pipeline: PipelineSpec) -> tuple[str, ...]:
    """The steps of other pipelines that a version names, `scores.predictions`, sorted; comments do not count."""
    found = set(_of_hooks(pipeline))
    for step in pipeline.steps.values():
        text = _COMMENT.sub("", step.sql.text) if step.sql else ""
        found |= {call["name"] for call in _CALL.finditer(text) if call["after"] and "." in call["name"]}
    return tuple(sorted(found))


def _of_hooks(pipeline: PipelineSpec) -> Iterator[str]:
    hooks: list[Hook] = [step.hook for step in pipeline.steps.values() if step.hook]
    for hook in hooks:
        for parameter in hook.parameters:
            if parameter.relation in ("ref", "history") and "." in str(parameter.arguments[0]):
                yield str(parameter.arguments[0])
