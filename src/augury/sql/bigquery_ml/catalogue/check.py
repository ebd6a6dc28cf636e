"""Do the options of a statement exist, fit the type of model, and have values of the right kind?

Everything wrong is said at once, with line and column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from augury.errors import Problem, nearest
from augury.sql.bigquery_ml.catalogue.coercion import NotThis, coerce
from augury.sql.bigquery_ml.catalogue.model_types import ALIASES, IMPORTED, LOCAL, REFUSED, REMOTE, WHOLE
from augury.sql.bigquery_ml.catalogue.option import Option
from augury.sql.bigquery_ml.catalogue.supported import ALTERED, SESSION, SUPPORTED
from augury.sql.bigquery_ml.catalogue.unsupported import UNSUPPORTED
from augury.sql.bigquery_ml.lexer import refused
from augury.sql.bigquery_ml.statements import AlterModel, CreateModel, ExportModel
from augury.sql.bigquery_ml.values import Candidates, Expression, Given, Range


@dataclass(frozen=True)
class Column:
    """A column that an option names."""

    option: str
    column: str
    line: int
    character: int


@dataclass(frozen=True)
class Chosen:
    """What the options of a statement come to."""

    model_type: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """For the type of model."""
    columns: tuple[Column, ...] = ()
    model_path: str | None = None
    written: Mapping[str, Any] = field(default_factory=dict)
    """Options as JSON can hold them, for showing."""
    description: str | None = None
    friendly_name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    expiration: datetime | Expression | None = None
    altered: tuple[str, ...] = ()
    """Fields that ALTER MODEL sets."""

    @staticmethod
    def missing(given: Column, columns: Sequence[str], file: str | None) -> Problem:
        message = f"{given.option} names the column {given.column!r}, which the training query does not give"
        close = nearest(given.column.lower(), {column.lower(): column for column in columns})
        return Problem(f"{message} (column {given.character})", file, given.line, suggestion=close)


class _Problems:
    def __init__(self, file: str | None) -> None:
        self.file = file
        self.found: list[Problem] = []

    def add(self, place: Any, message: str, suggestion: str | None = None) -> None:
        """`place` has a line and a column."""
        self.found.append(Problem(f"{message} (column {place.column})", self.file, place.line, suggestion=suggestion))

    def settle(self) -> None:
        if self.found:
            raise refused(self.found)


def check_create(statement: CreateModel, file: str | None = None) -> Chosen:
    """Raises SpecError with everything wrong with the options and clauses."""
    problems = _Problems(file)
    if statement.remote is not None:
        problems.add(statement.name, REMOTE)
        problems.settle()
    model_type = _model_type(statement, problems)
    values: dict[str, Any] = {}
    columns: list[Column] = []
    for given in statement.options:
        entry = _entry(given, model_type, problems)
        if entry is None:
            continue
        value = _value(given, entry, problems)
        values[given.name] = value
        if entry.kind in ("column", "columns"):
            named = value if isinstance(value, list) else [value]
            columns += [Column(given.name, name, given.line, given.column) for name in named if isinstance(name, str)]
    searched = [given for given in statement.options if isinstance(values.get(given.name), Range | Candidates)]
    if searched and values.get("num_trials") is None:
        problems.add(searched[0], f"{searched[0].name} is to be tuned: say how often with num_trials")
    _clauses(statement, model_type, problems)
    problems.settle()
    session = {entry.name for entry in SESSION}
    options = {name: value for name, value in values.items() if name not in session and value is not None}
    if statement.inputs:
        options["input"] = dict(statement.inputs)
    if statement.outputs:
        options["output"] = dict(statement.outputs)
    return Chosen(
        model_type=model_type,
        options=options,
        columns=tuple(columns),
        model_path=values.get("model_path"),
        written={given.name: _shown(given.value) for given in statement.options},
        **_of_session(values),
    )


def alterations(statement: AlterModel, file: str | None = None) -> Chosen:
    """What ALTER MODEL SET OPTIONS sets. Raises SpecError."""
    problems = _Problems(file)
    entries = {entry.name: entry for entry in SESSION}
    values: dict[str, Any] = {}
    for given in statement.options:
        if given.name in ALTERED:
            values[given.name] = _value(given, entries[given.name], problems)
        else:
            message = f"ALTER MODEL cannot set {given.name}: only {', '.join(ALTERED)}"
            problems.add(given, message, nearest(given.name, ALTERED))
    problems.settle()
    fields = {"labels": "tags", "expiration_timestamp": "expiration"}
    altered = tuple(fields.get(name, name) for name in values)
    return Chosen(altered=altered, **_of_session(values))


def export_uri(statement: ExportModel, file: str | None = None) -> str:
    """Raises SpecError."""
    problems = _Problems(file)
    uri: str | None = None
    for given in statement.options:
        if given.name == "uri" and isinstance(given.value, str) and given.value:
            uri = given.value
        elif given.name == "uri":
            problems.add(given, "uri is a string")
        elif given.name == "trial_id":
            problems.add(given, "trial_id cannot be chosen: the best trial is exported")
        else:
            problems.add(given, f"EXPORT MODEL has no option {given.name}", nearest(given.name, ("uri",)))
    if uri is None and not problems.found:
        problems.add(statement.name, "EXPORT MODEL needs OPTIONS(uri = 'file:///folder')")
    problems.settle()
    assert uri is not None
    return uri


def _of_session(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": values.get("description"),
        "friendly_name": values.get("friendly_name"),
        "tags": values.get("labels") or {},
        "expiration": values.get("expiration_timestamp"),
    }


def _model_type(statement: CreateModel, problems: _Problems) -> str:
    given = next((given for given in statement.options if given.name == "model_type"), None)
    if given is None:
        if statement.transform is not None and not statement.options:
            return "transform_only"
        problems.add(statement.name, "OPTIONS(model_type = '...') is missing")
        problems.settle()
    assert given is not None
    name = given.value.lower() if isinstance(given.value, str) else ""
    if name in LOCAL:
        return name
    if name in REFUSED:
        problems.add(given, f"model_type {name} is not available here: {REFUSED[name]}")
    elif not name:
        problems.add(given, "model_type is a string")
    else:
        close = ALIASES.get(name) or nearest(name, (*LOCAL, *REFUSED))
        problems.add(given, f"there is no model_type {given.value!r}", close)
    # Without a type there is no saying which options it has.
    problems.settle()
    return name


def _entry(given: Given, model_type: str, problems: _Problems) -> Option | None:
    entries = [entry for entry in SUPPORTED if entry.name == given.name]
    for entry in entries:
        if model_type in entry.types:
            return entry
    for refusal in UNSUPPORTED:
        if refusal.name == given.name and (not refusal.types or model_type in refusal.types):
            if given.name == "warm_start" and given.value is False:
                return None
            problems.add(given, f"the option {given.name} cannot be honoured here: {refusal.why}")
            return None
    known = {entry.name for entry in SUPPORTED if model_type in entry.types}
    close = nearest(given.name, known)
    if entries or any(refusal.name == given.name for refusal in UNSUPPORTED):
        others = sorted({name for entry in entries for name in entry.types} | _refused_for(given.name))
        message = f"{given.name} is no option of {model_type}: it belongs to {', '.join(others)}"
        problems.add(given, message, close if close != given.name else None)
    else:
        problems.add(given, f"there is no option {given.name}", close)
    return None


def _refused_for(name: str) -> set[str]:
    return {each for refusal in UNSUPPORTED if refusal.name == name for each in refusal.types}


def _value(given: Given, entry: Option, problems: _Problems) -> Any:
    try:
        return coerce(given.value, entry)
    except NotThis as error:
        problems.add(given, f"{given.name} {error}", error.suggestion)
        return None


def _clauses(statement: CreateModel, model_type: str, problems: _Problems) -> None:
    if statement.holidays is not None:
        problems.add(
            statement.name,
            "custom_holiday cannot be honoured here: give holidays as 0/1 columns to arima_plus_xreg",
        )
    imported = model_type in IMPORTED
    if statement.transform is not None and (imported or model_type in WHOLE):
        problems.add(
            statement.name,
            f"a model of type {model_type} has no TRANSFORM: prepare its columns in the query, or in the file",
        )
    if imported and statement.query is not None:
        problems.add(statement.name, f"a model of type {model_type} is made of a file: it has no AS query")
    if not imported and statement.query is None:
        problems.add(statement.name, f"a model of type {model_type} is trained: write AS SELECT ... behind OPTIONS")
    if (statement.inputs or statement.outputs) and model_type != "xgboost":
        problems.add(statement.name, f"INPUT and OUTPUT are for model_type xgboost, not {model_type}")
    if model_type == "transform_only" and statement.transform is None:
        problems.add(statement.name, "a model of type transform_only is made of its TRANSFORM(...) clause")


def _shown(value: Any) -> Any:
    """A value as JSON can hold it."""
    match value:
        case Range(low, high):
            return {"range": [low, high]}
        case Candidates(values):
            return {"candidates": [_shown(each) for each in values]}
        case Expression(sql):
            return sql
        case list():
            return [_shown(each) for each in value]
        case dict():
            return {name: _shown(each) for name, each in value.items()}
        case None | bool() | int() | float() | str():
            return value
    return str(value)
