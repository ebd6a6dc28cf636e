"""What does the code say about its own keys: their types in words, their defaults, the notes under them?"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from augury.spec.json_schema import field_docs

WORDS = {
    "Any": "any value",
    "Address": "mail address",
    "Archiving": "true, false, or [archive](#archive)",
    "Bytes": "size, `4GB`",
    "Catchup": "`latest`, `all` or `none`",
    "Columns": "column to type, `INT64 REQUIRED`",
    "Count": "integer, at least 1",
    "Cron": "cron, five fields",
    "Day": "date, `2026-01-15`",
    "FeatureType": "type of a feature",
    "Fraction": "number, above 0 to 1",
    "Key": "column, or list of columns",
    "LedgerAddress": "address, `postgresql://host/database`",
    "MetricsAddress": "port, or `host:port`",
    "Name": "name",
    "Occasion": "`failed`, `held`, `expired`, `overdue` or `recovered`",
    "Penalty": "number, 0 or more",
    "Period": "period, `90d` or `4w`",
    "RateLimit": "rate, `10/min`",
    "Seconds": "duration, `60s`",
    "SecretStr": "text, a secret",  # pragma: allowlist secret
    "Threshold": "threshold, `<= 40`",
    "Var": "any value",
    "Zone": "time zone, `Europe/Madrid`",
    "bool": "true or false",
    "date": "date, `2026-01-15`",
    "float": "number",
    "int": "integer",
    "str": "text",
}
"""What the names of types in the code are called in a table."""


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def class_named(module: ModuleType, name: str) -> ast.ClassDef:
    """The definition of a class, as it is written."""
    return next(node for node in _tree(module).body if isinstance(node, ast.ClassDef) and node.name == name)


def classes_of(module: ModuleType) -> Iterator[str]:
    """Names of the classes that a module defines, in its order."""
    return (node.name for node in _tree(module).body if isinstance(node, ast.ClassDef))


def notes_of(node: ast.ClassDef) -> dict[str, str]:
    """The docstring under each member of an enumeration, on one line."""
    notes = {}
    for before, after in zip(node.body, node.body[1:], strict=False):
        match before, after:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(words))):
                notes[name] = " ".join(words.split())
    return notes


def own_docstring(cls: type) -> str:
    """Not that of a base, which would say something else."""
    text = cls.__dict__.get("__doc__")
    return inspect.cleandoc(text) if text else ""


def key_table(cls: type[BaseModel], links: Mapping[str, str]) -> str:
    """A table of the keys of a mapping, those of its bases included. `links` are types with a section."""
    rows: dict[str, str] = {}
    notes = field_docs(cls)
    for base in cls.__mro__:
        if not issubclass(base, BaseModel) or base.__module__.startswith("pydantic"):
            continue
        node = class_named(importlib.import_module(base.__module__), base.__name__)
        for line in node.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                key = line.target.id
                if key in cls.model_fields and key not in rows:
                    what = in_words(line.annotation, links)
                    default = _default_of(cls, key, what)
                    rows[key] = f"| `{key}` | {what} | {default} | {notes.get(key, '')} |\n"
    if not rows:
        return "None.\n"
    return "| key | what | default | |\n|---|---|---|---|\n" + "".join(rows.values())


def in_words(annotation: ast.expr, links: Mapping[str, str]) -> str:
    """A type as a reader of YAML would say it."""
    match annotation:
        case ast.BinOp(left=left, right=ast.Constant(value=None)):
            return in_words(left, links)
        case ast.BinOp(left=left, right=right):
            return f"{in_words(left, links)} or {in_words(right, links)}"
        case ast.Subscript(value=ast.Name(id="Literal"), slice=what):
            choices = what.elts if isinstance(what, ast.Tuple) else [what]
            return " or ".join(f"`{ast.literal_eval(choice)}`" for choice in choices)
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[what, *_])):
            return in_words(what, links)
        case ast.Subscript(value=ast.Name(id="list"), slice=what):
            return f"list of {in_words(what, links)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, value])):
            return f"{in_words(key, links)} to {in_words(value, links)}"
        case ast.Name(id=name) if name in links:
            heading = links[name]
            anchor = heading.replace(":", "").replace(" ", "-")
            return f"[{heading.rpartition(': ')[2]}](#{anchor})"
        case ast.Name(id=name):
            return WORDS.get(name, name)
    return ast.unparse(annotation)


def _default_of(cls: type[BaseModel], name: str, what: str) -> str:
    field = cls.model_fields[name]
    if field.is_required():
        return "required"
    value = field.default
    if value is PydanticUndefined or value is None or value in ([], {}, "") or isinstance(value, BaseModel):
        return ""
    if what in (WORDS["Period"], WORDS["Seconds"]):
        return f"`{value:.12g}{'d' if what == WORDS['Period'] else 's'}`"
    return f"`{json.dumps(value)}`"
