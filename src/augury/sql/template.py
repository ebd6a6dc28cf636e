"""How does Jinja render SQL without ever pasting a value?

Everything that `{{ }}` prints goes through `Show`, which the rendering provides. Text that is SQL already
(the template itself, the output of a macro, a quoted name) is a `Fragment`; all other text is a value and is
written as a literal. Jinja's own autoescape cannot tell the two apart safely: its `Markup` escapes for HTML,
and its filters let plain text become markup.

This module imports Jinja, so it is itself imported only when something is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

SHOW = "augury show"
"""Key of the rendering's `Show` among the names of a template; the space keeps templates from naming it."""

Show = Callable[[Any], str]

_REFUSED_TAGS: dict[type[nodes.Node], str] = {
    nodes.Include: "include: write a macro in macros/, every template can call it",
    nodes.Import: "import: macros of macros/ are there without it",
    nodes.FromImport: "from ... import: macros of macros/ are there without it",
    nodes.Extends: "extends: write a macro in macros/, every template can call it",
    nodes.Block: "block: write a macro in macros/, every template can call it",
    nodes.CallBlock: "call: pass the text to a macro as an argument",
    nodes.FilterBlock: "filter: SQL text cannot be filtered",
    nodes.ScopedEvalContextModifier: "autoescape: values are always written as SQL literals",
}
_REFUSED_FILTERS = ("escape", "e", "forceescape", "safe", "urlize", "xmlattr", "striptags", "random")
_SEPARATOR = re.compile(
    r"[\s,()+*/|=<>-]*(?:and|or|union|union\s+all|union\s+all\s+by\s+name|intersect|except)?[\s,()+*/|=<>-]*",
    re.IGNORECASE,
)
"""Constants such as `{{ ", " if not loop.last }}`: SQL that the author wrote, and never a useful value."""

# Names with a space cannot be written in a template.
_AS_SQL = "augury sql"
_LARGEST_POWER = 4_096
_LARGEST_REPEAT = 1_000_000


class Fragment:
    """SQL text inside a template: it can be printed, and nothing else."""

    __slots__ = ("_sql",)

    def __init__(self, sql: str) -> None:
        self._sql = sql

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("SQL (a relation, a macro's output, ident()) can only be printed with {{ }}")

    __str__ = __bool__ = __len__ = __iter__ = __eq__ = __format__ = _refuse


def sql_of(fragment: Fragment) -> str:
    return fragment._sql


def line_mark(line: int, file: str) -> str:
    """Tells, inside rendered text, which line of which file the text after it comes from."""
    return f"\x00@{line} {file}\x00"


class SqlEnvironment(ImmutableSandboxedEnvironment):
    """Sandboxed Jinja whose templates cannot reach files, imports or the values of other templates."""

    intercepted_binops = frozenset(("*", "**"))

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, finalize=_finalize, autoescape=False, cache_size=0)
        for name in _REFUSED_FILTERS:
            del self.filters[name]
        self.filters[_AS_SQL] = Fragment

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        _refuse_tags(tree, name)
        for block in tree.find_all(nodes.AssignBlock):
            if block.filter is not None:
                raise TemplateSyntaxError("SQL text cannot be filtered", block.lineno, name, filename)
            # {% set x %}SQL{% endset %} holds SQL, as the output of a macro does.
            block.filter = nodes.Filter(None, _AS_SQL, [], [], None, None, lineno=block.lineno)
        for output in tree.find_all(nodes.Output):
            output.nodes = list(_marked(output, name or ""))
        tree.set_environment(self)
        return tree

    # The names are mangled as in the base class, so that a template may pass any keyword.
    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        result = super().call(__context, __obj, *args, **kwargs)
        return Fragment(result) if isinstance(__obj, Macro | LoopContext) else result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and (abs(left) > _LARGEST_POWER or abs(right) > _LARGEST_POWER):
            raise OverflowError("a power that large")
        if operator == "*":
            for text, times in ((left, right), (right, left)):
                repeated = isinstance(text, str | list | tuple) and isinstance(times, int)
                if repeated and len(text) * times > _LARGEST_REPEAT:
                    raise OverflowError("a repetition that long")
        return super().call_binop(context, operator, left, right)


@pass_context
def _finalize(context: Context, value: Any) -> str:
    # With the context Jinja cannot print constants while it compiles, before there is a rendering.
    show: Show = context.parent[SHOW]
    return show(value)


def _refuse_tags(tree: nodes.Template, name: str | None) -> None:
    for kind, advice in _REFUSED_TAGS.items():
        found = tree.find(kind)
        if found is not None:
            raise TemplateSyntaxError(f"not available in SQL: {advice}", found.lineno, name)


def _marked(output: nodes.Output, file: str) -> Iterator[nodes.Expr]:
    """The parts of an output with a line mark before each, to trace rendered lines to their file."""
    for part in output.nodes:
        if isinstance(part, nodes.TemplateData):
            pieces = part.data.split("\n")
            lines = (line_mark(part.lineno + at, file) + piece for at, piece in enumerate(pieces))
            yield nodes.TemplateData("\n".join(lines), lineno=part.lineno)
        else:
            yield nodes.TemplateData(line_mark(part.lineno, file), lineno=part.lineno)
            yield _separators_as_sql(part)


def _separators_as_sql(expression: nodes.Expr) -> nodes.Expr:
    match expression:
        case nodes.Const(value=str(text)) if _SEPARATOR.fullmatch(text):
            return nodes.Filter(expression, _AS_SQL, [], [], None, None, lineno=expression.lineno)
        case nodes.CondExpr():
            expression.expr1 = _separators_as_sql(expression.expr1)
            if expression.expr2 is not None:
                expression.expr2 = _separators_as_sql(expression.expr2)
    return expression
