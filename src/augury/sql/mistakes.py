"""What is wrong with a template, and on which line?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from jinja2 import Template, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError

from augury.errors import Problem, nearest
from augury.sql.facts import RELATIONS, Refused, TemplateFacts, relation_of


def mistakes_in_text(
    tree: nodes.Template, file: str, names: Mapping[str, Any], facts: TemplateFacts, step: str
) -> list[Problem]:
    """Unknown names and wrong arguments that show without rendering: all of them, not only the first."""
    problems: list[tuple[int, str, str | None]] = []
    unknown = meta.find_undeclared_variables(tree) - set(names) - _tested(tree)
    for node in tree.find_all(nodes.Name):
        if node.name in unknown and node.ctx == "load":
            problems.append((node.lineno, *_undefined(node.name, names)))
            unknown.discard(node.name)
    for call in tree.find_all(nodes.Call):
        try:
            _check_call(call, facts, step)
        except Refused as error:
            problems.append((call.lineno, error.message, error.suggestion))
    return [Problem(text, file, line, suggestion=hint) for line, text, hint in sorted(problems, key=lambda one: one[0])]


def _check_call(call: nodes.Call, facts: TemplateFacts, step: str) -> None:
    constants = all(isinstance(one, nodes.Const) for one in (*call.args, *(pair.value for pair in call.kwargs)))
    plain = constants and call.dyn_args is None and call.dyn_kwargs is None
    if not isinstance(call.node, nodes.Name) or not plain:
        return
    positional = tuple(one.value for one in call.args if isinstance(one, nodes.Const))
    named = {pair.key: pair.value.value for pair in call.kwargs if isinstance(pair.value, nodes.Const)}
    if call.node.name in RELATIONS:
        relation_of(call.node.name, positional, named, facts, step)
    elif call.node.name == "var" and len(positional) == 1 and positional[0] not in facts.variables:
        raise no_variable(positional[0], facts)


def _tested(tree: nodes.Template) -> set[str]:
    """Names that the template itself asks about: `x is defined`, `x | default(1)`."""
    asked = [
        *(node.node for node in tree.find_all(nodes.Test) if node.name in ("defined", "undefined")),
        *(node.node for node in tree.find_all(nodes.Filter) if node.name in ("default", "d")),
    ]
    return {node.name for node in asked if isinstance(node, nodes.Name)}


def no_variable(name: object, facts: TemplateFacts) -> Refused:
    return Refused(f"var({name!r}): no such variable", nearest(str(name), facts.variables))


def _undefined(name: str, names: Mapping[str, Any]) -> tuple[str, str | None]:
    if name == "horizon_end":
        return "horizon_end: the pipeline has no `horizon`", None
    return f"{name!r} is undefined", nearest(name, (known for known in names if known.isidentifier()))


def problem_of(error: Exception, names: Mapping[str, Any], file: str) -> Problem:
    """What went wrong while a template was rendered, with the innermost line of a template on the way."""
    path, line = _place(error.__traceback__) or (file, None)
    message, suggestion = _explained(error, names)
    return Problem(message, path, line, suggestion=suggestion)


def _explained(error: Exception, names: Mapping[str, Any]) -> tuple[str, str | None]:
    match error:
        case Refused(message=message, suggestion=suggestion):
            return message, suggestion
        case UndefinedError():
            name = re.fullmatch(r"'(\w+)' is undefined", str(error))
            return _undefined(name[1], names) if name else (str(error), None)
        case SecurityError():
            return f"not allowed in a template: {error}", None
        case RecursionError():
            return "a macro calls itself without end", None
        case MemoryError():
            return "the template needs more memory than there is", None
    return f"the template cannot be rendered: {str(error) or type(error).__name__}", None


def _place(trace: TracebackType | None) -> tuple[str, int] | None:
    """(file, line) of the innermost template on the way to an error."""
    found = None
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, Template):
            found = (template.name or "", template.get_corresponding_lineno(trace.tb_lineno))
        trace = trace.tb_next
    return found
