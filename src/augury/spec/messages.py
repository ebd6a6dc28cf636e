"""What did pydantic object to, in the words of somebody who writes YAML?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from augury.errors import Problem, nearest
from augury.spec.yaml_positions import Node

_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "keys and values",
    "model": "keys and values",
}


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    node: Node,
    prefix: tuple[str, ...] = (),
    elsewhere: Mapping[str, str] | None = None,
) -> list[Problem]:
    """One problem for each thing pydantic found.

    `node` is the tree that was validated, `prefix` the keys above it, `elsewhere` explains keys that belong
    into another file.
    """
    return [_problem(dict(found), model, node, prefix, elsewhere or {}) for found in error.errors(include_url=False)]


def _problem(
    found: dict[str, Any],
    model: type[BaseModel],
    node: Node,
    prefix: tuple[str, ...],
    elsewhere: Mapping[str, str],
) -> Problem:
    path = tuple(part for part in found["loc"] if part != "[key]")
    place = node.at(path)
    message, suggestion = _words(found, path, model, elsewhere)
    key = ".".join(map(str, (*prefix, *path))) or None
    return Problem(message, place.file, place.line, key, suggestion)


def _words(
    found: dict[str, Any], path: Sequence[str | int], model: type[BaseModel], elsewhere: Mapping[str, str]
) -> tuple[str, str | None]:
    kind, given, context = found["type"], found.get("input"), found.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), path[:-1], model, elsewhere)
    if kind == "missing":
        return "is required", None
    if kind == "value_error":
        return str(context.get("error", found["msg"])), None
    if kind == "literal_error":
        words = [str(word) for word in context["expected"].replace("'", "").replace(" or ", ", ").split(", ")]
        return f"{_shown(given)} is not one of {', '.join(words)}", nearest(str(given), words)
    if kind == "too_short":
        return "must not be empty", None
    limits = {"greater_than_equal": "at least", "greater_than": "more than",
              "less_than_equal": "at most", "less_than": "less than"}  # fmt: skip
    if kind in limits:
        limit = next(iter(context.values()))
        return f"{_shown(given)} must be {limits[kind]} {limit:g}", None
    expected = _EXPECTED.get(kind.split("_")[0])
    if expected is None:
        return str(found["msg"])[0].lower() + str(found["msg"])[1:], None
    hint = ": put it in quotes" if expected == "text" and not isinstance(given, dict | list) else ""
    return f"expected {expected}, found {_shown(given)}{hint}", None


def _unknown_key(
    key: str, above: Sequence[str | int], model: type[BaseModel], elsewhere: Mapping[str, str]
) -> tuple[str, str | None]:
    if not above and key in elsewhere:
        return elsewhere[key], None
    here = model_at(model, above)
    known = tuple(here.model_fields) if here else ()
    places = [path for path in _paths(model) if path.rsplit(".", 1)[-1] == key]
    if len(places) == 1:
        above_it = places[0].rpartition(".")[0]
        return (
            f"unknown key here: it belongs {f'to `{above_it}`' if above_it else 'to the top of the file'}",
            None,
        )
    close = nearest(key, known)
    return f"unknown key (known: {', '.join(known)})" if close is None else "unknown key", close


def _shown(value: Any) -> str:
    """What was written, shortened; never a whole document."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "keys and values" if isinstance(value, dict) else "a list"
    text = str(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"the number {text}" if isinstance(value, int | float) else repr(text)


def model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that describes the mapping at `path`, None where it is free-form."""
    here: Any = model
    for part in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(part))
            here = field.annotation if field else None
        else:  # a dict or list: its values
            here = (get_args(here) or (None,))[-1]
        here = _without_none(here)
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _without_none(kind: Any) -> Any:
    """`X` of `X | None` and of `Annotated[X, ...]`."""
    while hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    inner = [arg for arg in get_args(kind) if arg is not type(None)]
    return inner[0] if type(None) in get_args(kind) and len(inner) == 1 else kind


def _paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every dotted key that a model knows without going through names of the user's."""
    for name, field in model.model_fields.items():
        yield prefix + name
        below = _without_none(field.annotation)
        if isinstance(below, type) and issubclass(below, BaseModel):
            yield from _paths(below, f"{prefix}{name}.")
