"""What does a YAML file say, and on which line does it say it?

YAML is read into a tree of `Node`s that know their file and line, so that a problem found much later still
points at the line to change, and so that layers can be merged without losing where a value came from.

The dialect is the part of YAML 1.2 that people mean: only `true` and `false` are booleans (`NO` is Norway),
numbers are decimal, dates stay text, a key stands once, tags and `<<` merges are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from augury.errors import Problem

MOST_NODES = 50_000
"""A settings file with more values is a mistake, or aliases that multiply (a "billion laughs" file)."""
DEEPEST = 100
"""Levels of nesting; pipeline.yml needs five."""
_TAG = "tag:yaml.org,2002:"
_NAMED = ("targets", "steps")
"""Keys below which users give names, so that a name alone says something."""
_KINDS = ("str", "int", "float", "bool", "null")

Substitute = Callable[[str], tuple[str, tuple[str, ...]]]
"""Text to (text with `${VAR}` replaced, names of the variables used). Raises ValueError."""


@dataclass(frozen=True)
class Node:
    """One value of a YAML file and where it stands."""

    value: Any
    """A dict of nodes, a list of nodes, or a scalar."""
    file: str
    line: int
    """1-based; of the key where the value belongs to one."""
    variables: tuple[str, ...] = ()
    """Environment variables that the value was made of."""

    def get(self, key: str) -> Node | None:
        return self.value.get(key) if isinstance(self.value, dict) else None

    def keys(self) -> tuple[str, ...]:
        return tuple(self.value) if isinstance(self.value, dict) else ()

    def at(self, path: Sequence[str | int]) -> Node:
        """The node at `path`, or the last one on the way that exists."""
        here = self
        for part in path:
            below = here.value
            inside = part in below if isinstance(below, dict) else isinstance(below, list) and part in range(len(below))
            if not inside:
                return here
            here = below[part]
        return here

    def plain(self, above: str = "") -> Any:
        """The value as dicts, lists and scalars. `above` is the key that it stands under.

        A key without a value counts as absent, but `vars: {x: }` is a variable that is null, and
        `targets: {dev: }` or `steps: {prepare: }` says that it exists.
        """
        if isinstance(self.value, dict):
            out: dict[str, Any] = {}
            for key, child in self.value.items():
                if child.value is not None or above == "vars":
                    out[key] = child.plain("vars" if above == "vars" else "" if above in _NAMED else key)
                elif above in _NAMED:
                    out[key] = {}
            return out
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def leaves(self, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
        """Every scalar and list with its path of keys."""
        if isinstance(self.value, dict):
            for key, child in self.value.items():
                yield from child.leaves((*prefix, key))
        else:
            yield prefix, self

    @property
    def origin(self) -> str:
        """Where the value came from, for people."""
        place = f"{self.file}:{self.line}"
        return f"environment variable {', '.join(self.variables)} ({place})" if self.variables else place


def merge(base: Node, over: Node) -> Node:
    """`over` laid on `base`: mappings merge key by key, everything else is replaced."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, child in over.value.items():
        merged[key] = merge(merged[key], child) if key in merged else child
    return replace(over, value=merged)


def parse(text: str, file: str, substitute: Substitute | None = None) -> tuple[Node | None, list[Problem]]:
    """The tree of one file and every problem found; None where there is no tree at all."""
    loader = _Loader(text)
    try:
        _check_depth(text)
        root = loader.get_single_node()
        if root is None:
            return None, [Problem("the file is empty", file, 1)]
        if not isinstance(root, yaml.MappingNode):
            return None, [Problem("keys and values are expected, such as `name: shop`", file, 1)]
        builder = _Builder(loader, file, substitute)
        return builder.build(root, root.start_mark.line + 1, ()), builder.problems
    except yaml.MarkedYAMLError as error:
        # An open quote is noticed at the end of the file, and begins where the context does.
        mark = error.context_mark if "end of stream" in (error.problem or "") else error.problem_mark
        lines = text.splitlines()
        at = min(mark.line, len(lines) - 1) if mark else 0
        return None, [Problem(_in_words(error, lines[at]), file, at + 1)]
    except yaml.YAMLError as error:
        return None, [Problem(f"cannot be read as YAML: {error}".splitlines()[0], file)]
    except (RecursionError, _TooMuch):
        return None, [Problem("is nested too deeply or repeats itself through aliases", file)]
    finally:
        loader.dispose()


class _TooMuch(Exception):
    pass


def _check_depth(text: str) -> None:
    """Raises _TooMuch before the composer would: it recurses in C, and 100,000 brackets end the process.

    Short texts cannot be that deep, so that only unusual files are scanned twice.
    """
    if len(text) < 5_000:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _TooMuch


class _Loader(yaml.CSafeLoader):
    # An own table: the inherited one is YAML 1.1, where `no`, `on`, `1:30` and `0777` are not text.
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  read by the base class


for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,3})?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), list(_first))


class _Builder:
    def __init__(self, loader: _Loader, file: str, substitute: Substitute | None) -> None:
        self.loader = loader
        self.file = file
        self.substitute = substitute
        self.problems: list[Problem] = []
        self.built = 0

    def build(self, node: yaml.Node, line: int, path: tuple[str, ...]) -> Node:
        self.built += 1
        if self.built > MOST_NODES or len(path) > DEEPEST:
            raise _TooMuch
        if isinstance(node, yaml.MappingNode):
            return Node(self.mapping(node, path), self.file, line)
        if isinstance(node, yaml.SequenceNode):
            items = [self.build(item, item.start_mark.line + 1, (*path, str(at))) for at, item in enumerate(node.value)]
            return Node(items, self.file, line)
        return self.scalar(node, line, path)

    def mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> dict[str, Node]:
        out: dict[str, Node] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem("a key must be a word, not a list or a mapping", line, path)
                continue
            key = str(key_node.value)
            if key == "<<" and not key_node.style:
                self.problem("`<<` is not supported: shared keys belong into `defaults` of augury.yml", line, path)
                continue
            if key in out:
                self.problem(f"the key stands twice: also on line {out[key].line}", line, (*path, key))
                continue
            out[key] = self.build(value_node, line, (*path, key))
        return out

    def scalar(self, node: yaml.Node, line: int, path: tuple[str, ...]) -> Node:
        text, tag = str(node.value), str(node.tag)
        variables: tuple[str, ...] = ()
        if self.substitute is not None and "${" in text:
            try:
                text, variables = self.substitute(text)
            except ValueError as error:
                self.problem(str(error), line, path)
            else:
                if not getattr(node, "style", None):
                    # Unquoted, so it is read as if the value had been written here: a number, true, false.
                    tag = self.tag_of(text)
        kind = tag.removeprefix(_TAG)
        if kind not in _KINDS:
            self.problem(f"tags such as !{kind.lstrip('!')} are not supported", line, path)
        return Node(_scalar(text, kind), self.file, line, variables)

    def tag_of(self, text: str) -> str:
        return str(self.loader.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]

    def problem(self, message: str, line: int, path: tuple[str, ...]) -> None:
        self.problems.append(Problem(message, self.file, line, ".".join(path) or None))


def _scalar(text: str, kind: str) -> str | int | float | bool | None:
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text)
            case "float" if math.isfinite(float(text)):
                return float(text)
    except ValueError:  # an explicit tag on other text, `!!int x`
        return text
    return text


_CAUSES = (
    ("alphabetic or numeric character", "a value that begins with * or & must stand in quotes"),
    ("undefined alias", "a value that begins with * must stand in quotes"),
    ("comment or line break", 'a value that begins with > or | must stand in quotes, such as ">= 0.7"'),
    (
        "mapping values are not allowed",
        "a second `:` on the line, or a wrong indentation: put text with `: ` in quotes",
    ),
    ("could not find expected ':'", "a key without `:`, or a quote or bracket that is not closed above"),
    ("unexpected end of stream", "a quote that is not closed"),
    ("expected node content", "a bracket or brace that is not closed, or a comma too many"),
    ("expected ',' or", "a bracket or brace that is not closed, or a comma that is missing"),
    ("expected key", "a wrong indentation"),
    ("expected '-' indicator", "a wrong indentation: an item of a list begins with `- `"),
    ("document start", "one file holds one document: remove the `---` in the middle"),
    ("another document", "one file holds one document: remove the `---` in the middle"),
)
"""What libyaml says, and what it nearly always means."""


def _in_words(error: yaml.MarkedYAMLError, line: str) -> str:
    """The parser's message about `line`, with the usual cause named."""
    said = error.problem or str(error)
    mark = error.problem_mark
    at = line[mark.column : mark.column + 1] if mark else ""
    if re.search(r"[{,\[][^'\"]*\$\{", line):
        return "inside { } or [ ] a value with ${...} must stand in quotes"
    if "\t" in line[: len(line) - len(line.lstrip())] or at == "\t":
        return "a tab cannot indent YAML: use spaces"
    if at in tuple("@`%>|"):
        return f"a value that begins with {at} must stand in quotes"
    return next((cause for words, cause in _CAUSES if words in said), f"cannot be read as YAML: {said}")
