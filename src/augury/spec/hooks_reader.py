"""Which functions of hooks.py are steps, and what does each ask for? Read from the source, never run.

A top-level function is
- a step's hook where it is named like one (`prepare`, or any `.sql` file of the folder);
- an event hook where it is called on_completed, on_held, on_failed or on_trained;
- an intermediate step of its own where it is public and has a parameter called `context`;
- otherwise a helper, which is nobody's business.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from augury.errors import Problem, nearest
from augury.names import ENGINE_STEPS, NAMED_STEPS, is_name
from augury.spec.files import Hook, HookParameter

EVENTS = ("on_completed", "on_held", "on_failed", "on_trained")

ONLY_IN = {"outcome": "label", "staging": "validation", "published": "validation"}
"""Relations that one step alone may read: they know what no other step may."""

_SHAPES: dict[str, tuple[str, ...]] = {
    "source": ("name",),
    "window": ("name",),
    "ref": ("step",),
    "history": ("step", "days"),
    "outcome": ("name",),
    "reference": ("name",),
    "var": ("name",),
    "staging": (),
    "published": (),
}


@dataclass(frozen=True)
class Known:
    """Names that hooks may ask for; None where they could not be read and nothing can be said."""

    steps: Collection[str]
    with_sql: Collection[str]
    sources: Collection[str] | None
    references: Collection[str]
    variables: Collection[str] | None
    pipelines: Collection[str] = ()


@dataclass(frozen=True)
class HooksFile:
    """hooks.py after parsing: the functions that matter, not yet resolved against the rest of the folder."""

    path: str
    text: str
    functions: dict[str, ast.FunctionDef]

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(name for name in self.functions if name not in EVENTS)


def parse_hooks(text: str, path: str, sql_steps: Collection[str]) -> tuple[HooksFile, list[Problem]]:
    """The hooks of one file. `sql_steps` are the names of the folder's .sql files."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return HooksFile(path, text, {}), [Problem(f"Python cannot read it: {error.msg}", path, error.lineno)]
    except (ValueError, RecursionError, MemoryError) as error:
        return HooksFile(path, text, {}), [Problem(f"Python cannot read it: {error}", path)]
    functions: dict[str, ast.FunctionDef] = {}
    problems: list[Problem] = []
    for name, node in _top_level(tree):
        is_hook = name in NAMED_STEPS or name in EVENTS or name in sql_steps or _takes_context(name, node)
        wrong = _objection(name, node, functions, is_hook=is_hook)
        if wrong:
            problems.append(Problem(wrong, path, node.lineno, name, _better_name(name)))
        elif is_hook and isinstance(node, ast.FunctionDef):
            functions[name] = node
    return HooksFile(path, text, functions), problems


def _objection(name: str, node: ast.stmt, seen: dict[str, ast.FunctionDef], *, is_hook: bool) -> str | None:
    """Why this name of the module cannot stand, None where it can."""
    is_function = isinstance(node, ast.FunctionDef)
    if name in ENGINE_STEPS and is_function:
        return f"augury performs {name} itself: call a helper _{name}"
    if name.startswith("on_") and name not in EVENTS and is_function:
        return f"there is no such event (there are {', '.join(EVENTS)}); the name of a helper begins with _"
    if not is_hook:
        return None
    if not is_function:
        return "a hook must be a plain function that is defined in this file"
    if name in seen:
        return f"is defined twice: also on line {seen[name].lineno}"
    if not is_name(name):
        return "is not a step's name: lower-case letters, digits and _, beginning with a letter"
    return None


def _better_name(name: str) -> str | None:
    if name.startswith("on_") and name not in EVENTS:
        return nearest(name, EVENTS)
    return name.lower() if not is_name(name) and is_name(name.lower()) else None


def _takes_context(name: str, node: ast.stmt) -> bool:
    if name.startswith("_") or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    args = node.args
    return any(arg.arg == "context" for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs))


def _top_level(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Callables that the module binds at its top level, with the statement that does it."""
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    yield alias.asname or alias.name, node
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() | ast.Name() | ast.Call()):
                yield name, node


def resolve_hooks(hooks: HooksFile, known: Known) -> tuple[dict[str, Hook], list[Problem]]:
    """Every hook with its parameters resolved, and what is wrong with them."""
    out: dict[str, Hook] = {}
    problems: list[Problem] = []
    for name, node in hooks.functions.items():
        parameters = _Parameters(hooks.path, name, node, known)
        out[name] = Hook(name, hooks.path, node.lineno, parameters.read())
        problems += parameters.problems
    return out, problems


class _Parameters:
    """Reads the parameters of one function."""

    def __init__(self, path: str, function: str, node: ast.FunctionDef, known: Known) -> None:
        self.path = path
        self.function = function
        self.node = node
        self.known = known
        self.problems: list[Problem] = []

    def read(self) -> tuple[HookParameter, ...]:
        args = self.node.args
        for star in filter(None, (args.vararg, args.kwarg)):
            self.problem(star, star.arg, "* and ** cannot be filled: name each parameter")
        for arg in args.posonlyargs[:1]:
            self.problem(arg, arg.arg, "parameters are passed by name: remove the /")
        plain = [*args.posonlyargs, *args.args]
        defaults: list[ast.expr | None] = [None] * (len(plain) - len(args.defaults))
        defaults += args.defaults
        pairs = [*zip(plain, defaults, strict=True), *zip(args.kwonlyargs, args.kw_defaults, strict=True)]
        read = (self.parameter(arg, default) for arg, default in pairs)
        return tuple(parameter for parameter in read if parameter is not None)

    def parameter(self, arg: ast.arg, default: ast.expr | None) -> HookParameter | None:
        if self.function in EVENTS and (arg.arg != "context" or default is not None):
            self.problem(arg, arg.arg, "the hook of an event is given `context` alone (see context.event)")
            return None
        found = self.bare(arg) if default is None else self.declared(arg, default)
        if found is None:
            return None
        relation, arguments = found
        if not self.allowed(arg, relation, arguments):
            return None
        return HookParameter(arg.arg, relation, arguments, arg.lineno)

    def bare(self, arg: ast.arg) -> tuple[str, tuple[str | int, ...]] | None:
        name = arg.arg
        if name in ("context", "rows"):
            return name, ()
        if ONLY_IN.get(name) == self.function:
            return name, ()
        is_step = name in self.known.steps or name == "predict"
        is_source = name in (self.known.sources or ())
        if is_step and is_source:
            message = f"is a step and a source: write {name}=ref({name!r}) or {name}=source({name!r})"
            self.problem(arg, name, message)
        elif is_step:
            return "ref", (name,)
        elif is_source:
            return "source", (name,)
        elif self.known.sources is not None:
            near = nearest(name, ("context", "rows", *self.known.steps, *self.known.sources))
            self.problem(arg, name, "is not context, rows, a step or a source", near)
        return None

    def declared(self, arg: ast.arg, default: ast.expr) -> tuple[str, tuple[str | int, ...]] | None:
        call = default if isinstance(default, ast.Call) else None
        called = call.func if call else None
        relation = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        if call is None or relation not in _SHAPES:
            message = f"its default must be a call of {', '.join(_SHAPES)} from augury.hooks"
            self.problem(arg, arg.arg, message, nearest(relation, _SHAPES) if relation else None)
            return None
        arguments = _literals(call, _SHAPES[relation])
        if arguments is None:
            wanted = ", ".join(_SHAPES[relation])
            self.problem(arg, arg.arg, f"write {relation}({wanted}) with literal values")
            return None
        if relation == "history" and int(arguments[1]) < 1:
            self.problem(arg, arg.arg, "days must be at least 1")
            return None
        return relation, arguments

    def allowed(self, arg: ast.arg, relation: str, arguments: tuple[str | int, ...]) -> bool:
        """Whether the relation exists and may be read by this step."""
        if relation == "rows" and self.function not in self.known.with_sql:
            hint = ": ask for `predict`" if self.function == "post_process" else ""
            self.problem(arg, "rows", f"there is no {self.function}.sql whose result it could be{hint}")
            return False
        if ONLY_IN.get(relation, self.function) != self.function:
            self.problem(arg, arg.arg, f"{relation} can be read in {ONLY_IN[relation]} only")
            return False
        if relation == "ref" and arguments == (self.function,):
            self.problem(arg, arg.arg, "a step cannot read its own result of this date: write history(...)")
            return False
        if relation in ("ref", "history") and "." in str(arguments[0]):
            # A step of another pipeline, which may not have been read yet: it is looked up when steps are compiled.
            return self.known_pipeline(arg, str(arguments[0]))
        kind, names = self.names(relation)
        if names is None or not arguments or arguments[0] in names:
            return True
        close = nearest(str(arguments[0]), names)
        self.problem(arg, arg.arg, f"there is no {kind} called {arguments[0]!r}", close)
        return False

    def known_pipeline(self, arg: ast.arg, name: str) -> bool:
        pipeline, _, step = name.partition(".")
        if pipeline in self.known.pipelines:
            return True
        close = nearest(pipeline, self.known.pipelines)
        self.problem(arg, arg.arg, f"there is no pipeline called {pipeline!r}", f"{close}.{step}" if close else None)
        return False

    def names(self, relation: str) -> tuple[str, Collection[str] | None]:
        known = self.known
        match relation:
            case "source" | "window" | "outcome":
                return "source", known.sources
            case "ref" | "history":
                return "step", (*known.steps, "predict")
            case "reference":
                return "file in reference/", known.references
            case "var":
                return "variable", known.variables
        return "", None

    def problem(self, arg: ast.arg, key: str, message: str, suggestion: str | None = None) -> None:
        at = f"{self.function}({key})"
        self.problems.append(Problem(message, self.path, arg.lineno, at, suggestion))


def _literals(call: ast.Call, shape: tuple[str, ...]) -> tuple[str | int, ...] | None:
    """Literal arguments in the order of `shape`, or None where they do not fit it."""
    given: dict[str, ast.expr] = dict(zip(shape, call.args, strict=False))
    if len(call.args) > len(shape):
        return None
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in given or keyword.arg not in shape:
            return None
        given[keyword.arg] = keyword.value
    out: list[str | int] = []
    for name in shape:
        value = given.get(name)
        wanted: type = int if name == "days" else str
        literal = value.value if isinstance(value, ast.Constant) else None
        if type(literal) is not wanted or not isinstance(literal, str | int):
            return None
        out.append(literal)
    return tuple(out)
