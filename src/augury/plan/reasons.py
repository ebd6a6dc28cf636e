"""Which line of a definition changed? For plans that say `prepare.sql line 12 (recency)`."""

from __future__ import annotations

from pathlib import PurePath

from augury.plan.definitions import Definitions
from augury.plan.facts import Facts
from augury.plan.fingerprints import Key
from augury.sql.fingerprint import changed_line


def definition_text(definitions: Definitions, step: str) -> tuple[str, str]:
    """(file, text) of a step's definition, as it is kept beside its fingerprint."""
    name = "validation" if step == "validate" else step
    found = definitions.pipeline.steps.get(name)
    if found is None:
        return definitions.pipeline.file, ""
    if found.sql is not None:
        return found.sql.path, found.sql.text
    return (found.hook.path, definitions.pipeline.hooks_text) if found.hook else ("", "")


def changed_definition(definitions: Definitions, facts: Facts, key: Key, recorded: str) -> str:
    """What changed since the definition with the fingerprint `recorded`, as far as it can be told."""
    file, text = definition_text(definitions, key.step)
    before = facts.definitions.get(recorded)
    name = PurePath(file).name
    if before is None:
        return name
    if before == text:
        return f"{name}: variables, macros or declared columns"
    line, hint = changed_line(before, text, definitions.pipeline.dialect)
    return f"{name} line {line} ({hint})" if hint else f"{name} line {line}"
