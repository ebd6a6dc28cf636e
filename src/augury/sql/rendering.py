"""What does a template say for one pipeline, and what is wrong with it if it does not render?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jinja2 import Template, TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import Macro
from jinja2.utils import Namespace

from augury.errors import Problem, SpecError, nearest
from augury.names import VERSION, is_name
from augury.spec.files import SqlFile
from augury.sql.compiled import RunValues
from augury.sql.facts import RELATIONS, RUN_VALUES, Refused, TemplateFacts, relation_of
from augury.sql.literals import identifier, literal
from augury.sql.mistakes import mistakes_in_text, no_variable, problem_of
from augury.sql.relations import Relation
from augury.sql.template import SHOW, Fragment, SqlEnvironment, sql_of

MAX_RANGE = 1_000_000
"""Numbers that `range` may give in one rendering, all calls together."""

FUNCTIONS = (*RELATIONS, "var", "ident", "range", "dict", "namespace")


class NeedsDate(Exception):
    """The template does more with a value of the run than printing it: it must be rendered for each date."""


class RunValue:
    """Stands for a value of the run while a template is rendered for all dates at once."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def _needed(self, *_: object) -> NoReturn:
        raise NeedsDate

    __getattr__ = __str__ = __repr__ = __format__ = __bool__ = __len__ = __iter__ = _needed
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _needed
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = _needed
    __getitem__ = __contains__ = __int__ = __float__ = __index__ = __neg__ = __abs__ = _needed


class Bare(str):
    """A validated name that is printed as it is. Whatever is made of it by a filter is an ordinary value."""

    __slots__ = ()


@dataclass(frozen=True)
class RunHole:
    """A printed value of the run."""

    name: str


@dataclass(frozen=True)
class NamedHole:
    """A relation that the query calls by the full name of its table."""

    relation: Relation
    alias: str
    """What the query may call its columns by, where it gives no alias; empty for none."""


Hole = Relation | RunHole | NamedHole | str
"""What a mark in rendered text stands for: a relation, a value of the run, or SQL of a literal or a name."""


@dataclass(frozen=True)
class Rendered:
    text: str
    """With `\\x00<n>\\x00` for the n-th hole and line marks of `augury.sql.template`."""
    holes: tuple[Hole, ...]


@dataclass(frozen=True)
class Prepared:
    """A file after Jinja has read it."""

    file: SqlFile
    template: Template
    tree: nodes.Template


def prepare(environment: SqlEnvironment, file: SqlFile) -> Prepared:
    """Raises SpecError where the file is no Jinja template."""
    if "\x00" in file.text:
        line = file.text[: file.text.index("\x00")].count("\n") + 1
        raise SpecError([Problem("a NUL character in the file", file=file.path, line=line)])
    try:
        tree = environment.parse(file.text, file.path, file.path)
        code = environment.compile(tree, file.path, file.path)
    except TemplateSyntaxError as error:
        unknown = re.match(r"No (filter|test) named '(\w+)'", error.message or "")
        known: Iterable[str] = ()
        if unknown:
            known = environment.filters if unknown[1] == "filter" else environment.tests
        suggestion = nearest(unknown[2], known) if unknown else None
        message = (error.message or "not a template").rstrip(".")
        raise SpecError([Problem(message, file.path, error.lineno, suggestion=suggestion)]) from error
    except (SyntaxError, RecursionError, OverflowError, MemoryError) as error:
        raise SpecError([Problem(f"not a template: {error}", file.path)]) from error
    return Prepared(file, Template.from_code(environment, code, {}), tree)


@dataclass
class Rendering:
    """One rendering of one template: the names it may use, and the holes that it prints."""

    step: str
    facts: TemplateFacts
    macros: tuple[Prepared, ...]
    values: RunValues
    per_date: bool
    """Values of the run are given as dates and instants instead of RunValue."""
    holes: list[Hole] = field(default_factory=list)
    _ranged: int = 0

    def render(self, prepared: Prepared) -> Rendered:
        """Raises SpecError, and NeedsDate where the values of the run are needed and not given."""
        names = self._names()
        if not self.per_date:
            # A template is always rendered without its dates first.
            found = mistakes_in_text(prepared.tree, prepared.file.path, names, self.facts, self.step)
            if found:
                raise SpecError(found)
        try:
            for macro in self.macros:
                self._run(macro.template, names, keep_macros=True)
            text = self._run(prepared.template, names)
        except Exception as error:
            if not self.per_date:
                # It may be due to the stand-ins of the dates: the dates themselves tell.
                raise NeedsDate from error
            # Whatever a template does, its author gets a line and a reason, never a traceback.
            raise SpecError([problem_of(error, names, prepared.file.path)]) from error
        return Rendered(text, tuple(self.holes))

    def _run(self, template: Template, names: dict[str, Any], *, keep_macros: bool = False) -> str:
        # `shared`: macros look names up when they are called, so files of macros may call one another.
        context = template.new_context(names, shared=True)
        text = "".join(template.root_render_func(context))
        if keep_macros:
            names |= {name: one for name, one in context.get_exported().items() if isinstance(one, Macro)}
        return text

    def _names(self) -> dict[str, Any]:
        names: dict[str, Any] = dict(self.facts.variables)
        names |= {name: _NotYet() for macros in self.macros for name, _ in macro_names(macros.tree)}
        names |= {name: _bare(name, value) for name, value in self.facts.bare.items()}
        for name in RUN_VALUES:
            if name != "horizon_end" or self.values.horizon_end is not None:
                names[name] = getattr(self.values, name) if self.per_date else RunValue(name)
        names |= {kind: self._relation_function(kind) for kind in RELATIONS}
        names |= {"var": self._var, "ident": self._ident, "range": self._range}
        return {**names, "dict": dict, "namespace": Namespace, SHOW: self._show}

    # -- functions of the templates --------------------------------------------------------------------------

    def _relation_function(self, kind: str) -> Callable[..., Fragment]:
        def relation(*positional: Any, **named: Any) -> Fragment:
            found = relation_of(kind, positional, named, self.facts, self.step)
            if kind == "outcome" and self.values.horizon_end is None:
                raise Refused("outcome(): the pipeline has no `horizon`")
            return Fragment(self._mark(found))

        return relation

    def _var(self, *arguments: Any, **named: Any) -> Any:
        if named or not 1 <= len(arguments) <= 2:
            raise Refused("var() takes the name of a variable, and a value for where it is missing")
        name, *default = arguments
        if name in self.facts.variables:
            return self.facts.variables[name]
        if default:
            return default[0]
        raise no_variable(name, self.facts)

    def _ident(self, *path: Any) -> Fragment:
        """`ident('a')` is "a", `ident('o', 'a')` is "o"."a", `ident(['a', 'b'])` is "a", "b"."""
        listed = len(path) == 1 and isinstance(path[0], list | tuple)
        names = path[0] if listed else path
        if not names or not all(isinstance(one, str) for one in names):
            raise Refused("ident() takes a name, the parts of a dotted name, or a list of names")
        try:
            quoted = [identifier(str(one), self.facts.dialect) for one in names]
            return Fragment(self._mark((", " if listed else ".").join(quoted)))
        except ValueError as error:
            raise Refused(f"ident(): {error}") from error

    def _range(self, *bounds: int) -> range:
        numbers = range(*bounds)
        self._ranged += len(numbers)
        if self._ranged > MAX_RANGE:
            raise Refused(f"range() gives at most {MAX_RANGE:,} numbers in one template")
        return numbers

    def _show(self, value: Any) -> str:
        """What `{{ value }}` prints."""
        match value:
            case Fragment():
                return sql_of(value)
            case Undefined():
                return str(value)
            case Bare():
                return str.__str__(value)
            case str() if self.facts.plain:
                return _plain(value)
            case RunValue():
                return self._mark(RunHole(value._name))
        for name in RUN_VALUES:
            # Rendered per date, a value that is printed as it came still leaves one text for many dates.
            if value is not None and value is getattr(self.values, name):
                return self._mark(RunHole(name))
        if callable(value):
            raise Refused("a function without its arguments cannot be printed: add ()")
        try:
            return self._mark(literal(value, self.facts.dialect))
        except ValueError as error:
            raise Refused(str(error)) from error

    def _mark(self, hole: Hole) -> str:
        self.holes.append(hole)
        return f"\x00{len(self.holes) - 1}\x00"


class _NotYet:
    """A macro while the files of macros are still being read."""

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise Refused("a macro can be called inside another macro, not at the top of its file")


_SAFE = re.compile(r"[^'\"`;#\\\x00-\x1f]*")


def _plain(value: str) -> str:
    """Text that can stand anywhere in SQL, inside quotes too, without ending what it stands in. Raises Refused."""
    if not _SAFE.fullmatch(value) or "--" in value or "/*" in value or "*/" in value:
        shown = value if len(value) <= 40 else f"{value[:40]}..."
        raise Refused(f"{shown!r} cannot be printed into SQL as it is: it holds a quote, a comment or a line break")
    return value


def _bare(name: str, value: str) -> Bare:
    if value and not is_name(value) and not VERSION.fullmatch(value):
        raise SpecError([Problem(f"{name}: {value!r} is not a name", key=name)])
    return Bare(value)


def macro_names(tree: nodes.Template) -> tuple[tuple[str, int], ...]:
    """(name, line) of the macros that other files may call; a leading underscore keeps one private."""
    macros = [node for node in tree.body if isinstance(node, nodes.Macro)]
    return tuple((macro.name, macro.lineno) for macro in macros if not macro.name.startswith("_"))
