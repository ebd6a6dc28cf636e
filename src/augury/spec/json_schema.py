"""What may be written in augury.yml and pipeline.yml, as JSON Schema for editors and CI?

Made from the models that read the files, so that the two cannot disagree. Descriptions are the docstrings
that stand below each field.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, get_args

from pydantic import BaseModel

from augury import plugins
from augury.errors import PluginError
from augury.spec.checks import kind_of
from augury.spec.metrics import METRICS
from augury.spec.notifiers import options_of
from augury.spec.pipeline import PipelineSettings
from augury.spec.project import ProjectSettings

SchemaName = Literal["project", "pipeline"]
SCHEMA_NAMES: tuple[SchemaName, ...] = get_args(SchemaName)

_MODELS: dict[SchemaName, tuple[type[BaseModel], str]] = {
    "project": (ProjectSettings, "augury.yml"),
    "pipeline": (PipelineSettings, "pipeline.yml"),
}

_INTERPOLATED = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "A value of the environment: its form is known when the file is read.",
}


def json_schema(name: SchemaName) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one file."""
    model, title = _MODELS[name]
    schema = model.model_json_schema(mode="validation")
    definitions: dict[str, Any] = schema.get("$defs", {})
    documented = {found.__name__: found for found in _reachable(model)}
    for title_of, found in (*definitions.items(), (model.__name__, schema)):
        if title_of in documented:
            _describe(found, documented[title_of])
    if name == "pipeline":
        _add_kinds(definitions)
        # A layer below may have given what one file does not say: `defaults`, or the folder of v1.
        for layered in (schema, definitions["Model"]):
            layered.pop("required", None)
    else:
        _add_notifiers(definitions)
    out = _relaxed(schema)
    out["$defs"]["Interpolated"] = _INTERPOLATED
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **out}


def _reachable(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for found in _models_in(field.annotation):
            yield from _reachable(found)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    for name, words in field_docs(model).items():
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = words


@cache
def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """Field name to the docstring below it, those of base classes included."""
    docs: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for field, after in zip(tree.body, tree.body[1:], strict=False):
            match field, after:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(words))),
                ):
                    docs[name] = inspect.cleandoc(words).replace("\n", " ")
    return docs


def _add_kinds(definitions: dict[str, Any]) -> None:
    """Lets an editor complete the model types, the options of the chosen one, and the metrics of a gate."""
    known: list[str] = []
    rules: list[dict[str, Any]] = []
    for name in plugins.names("models"):
        try:
            options = kind_of(name).Options
        except PluginError:  # not usable here, and so not suggested here
            continue
        known.append(name)
        of_kind = options.model_json_schema(mode="validation", ref_template=f"#/$defs/{name}.{{model}}")
        definitions |= {f"{name}.{key}": value for key, value in of_kind.pop("$defs", {}).items()}
        definitions[f"{name}.options"] = of_kind
        _describe(of_kind, options)
        chosen = {"properties": {"type": {"const": name}}, "required": ["type"]}
        rules.append({"if": chosen, "then": {"properties": {"options": {"$ref": f"#/$defs/{name}.options"}}}})
    model = definitions["Model"]
    model["properties"]["type"]["examples"] = known
    model["allOf"] = rules
    threshold = definitions["Gate"]["additionalProperties"]
    metrics = sorted({metric for metrics in METRICS.values() for metric in metrics})
    definitions["Gate"]["properties"] |= {metric: dict(threshold) for metric in metrics}
    definitions["Gate"]["additionalProperties"] = False


def _add_notifiers(definitions: dict[str, Any]) -> None:
    """Lets an editor complete the types of notifiers, and the options of the chosen one."""
    notifier = definitions["Notifier"]
    known: list[str] = []
    rules: list[dict[str, Any]] = []
    for name in plugins.names("notifiers"):
        try:
            options = options_of(name)
        except PluginError:  # not usable here, and so not suggested here
            continue
        known.append(name)
        of_type = options.model_json_schema(mode="validation", ref_template=f"#/$defs/{name}.{{model}}")
        definitions |= {f"{name}.{key}": value for key, value in of_type.pop("$defs", {}).items()}
        _describe(of_type, options)
        then = {key: of_type[key] for key in ("properties", "required") if key in of_type}
        chosen = {"properties": {"type": {"const": name}}, "required": ["type"]}
        rules.append({"if": chosen, "then": then})
    notifier["properties"]["type"]["examples"] = known
    notifier["allOf"] = rules
    # What no rule names is no key; `additionalProperties` would not see what the rules name.
    del notifier["additionalProperties"]
    notifier["unevaluatedProperties"] = False


def _relaxed(schema: Any) -> Any:
    """The schema with `${VAR}` allowed wherever a scalar has a form; without titles that repeat the key."""
    if isinstance(schema, list):
        return [_relaxed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _relaxed(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    if _has_a_form(out):
        words = {key: out.pop(key) for key in ("description", "default", "examples") if key in out}
        return {"anyOf": [out, {"$ref": "#/$defs/Interpolated"}], **words}
    return out


def _has_a_form(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return kind in ("integer", "number", "boolean") or (kind == "string" and ("pattern" in schema or "enum" in schema))
