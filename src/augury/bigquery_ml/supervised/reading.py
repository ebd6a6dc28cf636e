"""What did a CREATE MODEL statement ask for: one set of options, or a space of them to search?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from augury.bigquery_ml.contract import Candidates, Range
from augury.bigquery_ml.supervised.options import FAMILIES, REFUSED, Options, task_of
from augury.bigquery_ml.supervised.space import TUNABLE, Axis, default_space
from augury.errors import UsageError, nearest


@dataclass(frozen=True)
class Request:
    """Options that were given and hold, and the axes that are searched."""

    model_type: str
    fixed: Mapping[str, Any]
    space: Mapping[str, Axis]
    base: Options
    """What holds where nothing is searched; for everything that no hyperparameter decides."""

    def options(self, chosen: Mapping[str, Any]) -> Options:
        """The options of one trial. Raises UsageError where they do not go together."""
        return _checked(self.model_type, {**self.fixed, **chosen})


def read(model_type: str, given: Mapping[str, Any]) -> Request:
    """Raises UsageError with every problem."""
    given = {name: value for name, value in given.items() if value is not None}
    searched = {name: value for name, value in given.items() if isinstance(value, Range | Candidates)}
    fixed = {name: value for name, value in given.items() if name not in searched}
    problems = [*_unknown(model_type, given), *_not_tunable(model_type, searched, fixed)]
    if problems:
        raise UsageError(f"the options of {model_type} cannot be used", why="; ".join(problems), fix="Remove them.")
    base = _checked(model_type, fixed)
    space: dict[str, Axis] = {}
    if base.tuned:
        _check_objective(model_type, base)
        axes = {name: TUNABLE[model_type][name].asked(name, value) for name, value in searched.items()}
        space = axes or default_space(model_type, fixed)
        _check_dart(searched, base)
        _check_grid(base, space)
    return Request(model_type, fixed, space, base)


def _unknown(model_type: str, given: Mapping[str, Any]) -> list[str]:
    known = FAMILIES[model_type].model_fields
    problems = []
    for name in given:
        if name in known:
            continue
        close = nearest(name, known)
        hint = f", did you mean {close}?" if close else ""
        problems.append(f"{name}: {REFUSED.get(name) or f'not an option of {model_type}{hint}'}")
    return problems


def _not_tunable(model_type: str, searched: Mapping[str, Any], fixed: Mapping[str, Any]) -> list[str]:
    tunable = TUNABLE[model_type]
    problems = [f"{name} cannot be tuned; {', '.join(sorted(tunable))} can" for name in searched if name not in tunable]
    if searched and fixed.get("num_trials") is None:
        problems.append(f"HPARAM_RANGE and HPARAM_CANDIDATES ({', '.join(sorted(searched))}) need num_trials")
    return problems


def _check_objective(model_type: str, options: Options) -> None:
    from augury.bigquery_ml.supervised.evaluation import METRICS

    known = METRICS[task_of(model_type)]
    if options.hparam_tuning_objectives and options.hparam_tuning_objectives not in known:
        raise UsageError(
            f"{options.hparam_tuning_objectives} is no tuning objective of {model_type}",
            fix=f"Use one of {', '.join(known)}.",
        )


def _check_dart(searched: Mapping[str, Any], base: Options) -> None:
    # BigQuery docs: 'Hyperparameter tuning overview', conditional hyperparameters.
    boosters = searched.get("booster_type")
    values = boosters.values if boosters else (getattr(base, "booster_type", ""),)
    if "dropout" in searched and "dart" not in {str(value).lower() for value in values}:
        raise UsageError("dropout can only be tuned where booster_type may be dart", fix="Add 'DART' to booster_type.")


def _check_grid(base: Options, space: Mapping[str, Axis]) -> None:
    if base.hparam_tuning_algorithm == "grid_search" and any(axis.values is None for axis in space.values()):
        ranges = ", ".join(name for name, axis in space.items() if axis.values is None)
        raise UsageError(
            f"grid_search needs HPARAM_CANDIDATES for every hyperparameter, not ranges: {ranges}",
            fix="List candidates, or use random_search.",
        )


def _checked(model_type: str, given: Mapping[str, Any]) -> Options:
    try:
        return FAMILIES[model_type].model_validate(dict(given))
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            name = str(problem["loc"][0]) if problem["loc"] else ""
            message = problem["msg"].removeprefix("Value error, ")
            problems.append(f"{name} {problem['input']!r}: {message}" if name else message)
        raise UsageError(f"the options of {model_type} cannot be used", why="; ".join(problems)) from error
