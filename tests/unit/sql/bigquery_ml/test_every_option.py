"""Every option of BigQuery ML, given to every type of model: it is taken, or refused by its name with what to do."""

from __future__ import annotations

import pytest

from augury.errors import SpecError, nearest
from augury.sql.bigquery_ml.catalogue.check import Chosen, check_create
from augury.sql.bigquery_ml.catalogue.model_types import IMPORTED, LOCAL
from augury.sql.bigquery_ml.catalogue.option import Kind, Option
from augury.sql.bigquery_ml.catalogue.supported import SESSION, SUPPORTED
from augury.sql.bigquery_ml.catalogue.unsupported import UNSUPPORTED
from augury.sql.bigquery_ml.statements import CreateModel, read_statement

RIGHT: dict[Kind, str] = {
    "text": "'some text'",
    "boolean": "TRUE",
    "column": "'a'",
    "columns": "['a', 'b']",
    "order": "(1, 0, 1)",
    "weights": "[('a', 1), ('b', 0.5)]",
    "moment": "TIMESTAMP '2030-01-01 00:00:00'",
    "tags": "[('team', 'shop')]",
}
WRONG: dict[Kind, list[str]] = {
    "text": ["7", "TRUE", "['a']"],
    "boolean": ["'TRUE'", "1"],
    "column": ["7", "''", "['a', 'b']"],
    "columns": ["7", "[]", "[1]"],
    "integer": ["'3'", "2.5", "TRUE", "[3]"],
    "number": ["'3'", "TRUE", "[3]"],
    "word": ["7", "'no such word'", "TRUE"],
    "words": ["7", "['no such word', 'nor this']"],
    "order": ["(1, 0)", "'1, 0, 1'", "(1, 0, 0.5)"],
    "weights": ["[('a', 'b')]", "'a'", "[('a', 1), ('a', 2)]"],
    "moment": ["'2030-01-01'", "7"],
    "tags": ["[('team', 1)]", "'team'"],
}
NAMES = sorted({option.name for option in SUPPORTED[1:]} | {refusal.name for refusal in UNSUPPORTED})
OWNED = [pytest.param(option, id=f"{option.name} of {min(option.types)}") for option in SUPPORTED[1:]]
"""All but model_type."""


def right(option: Option) -> str:
    if option.kind in ("word", "words"):
        return f"'{option.words[0].upper()}'" if option.words else "'r2_score'"
    if option.kind in ("integer", "number"):
        return str(int(option.low if option.low is not None else 1))
    return RIGHT[option.kind]


def checked(model_type: str, *options: str) -> Chosen:
    given = ", ".join([f"model_type='{model_type}'", *(each for each in options if each)])
    clause = "TRANSFORM(a)" if model_type == "transform_only" else ""
    query = "" if model_type in IMPORTED else "AS SELECT 1 AS a"
    statement = read_statement(f"CREATE MODEL d.m {clause} OPTIONS({given}) {query}")
    assert isinstance(statement, CreateModel)
    return check_create(statement, "train.sql")


def problem(model_type: str, *options: str) -> str:
    with pytest.raises(SpecError) as refused:
        checked(model_type, *options)
    (only,) = refused.value.problems
    assert only.line == 1
    assert only.file == "train.sql"
    return str(only)


@pytest.mark.parametrize("name", NAMES)
def test_an_option_is_taken_or_refused_by_its_name(name: str) -> None:
    for model_type in sorted(LOCAL):
        taken_or_refused(name, model_type)


def taken_or_refused(name: str, model_type: str) -> None:
    option = next((each for each in SUPPORTED if each.name == name and model_type in each.types), None)
    if option is None:
        said = problem(model_type, f"{name}=TRUE")
        assert name in said
        refused = [each for each in UNSUPPORTED if each.name == name and (not each.types or model_type in each.types)]
        assert "cannot be honoured here: " + refused[0].why in said if refused else f"no option of {model_type}" in said
        return
    chosen = checked(model_type, f"{name}={right(option)}")
    session = {each.name for each in SESSION}
    assert name in chosen.written
    assert (name in chosen.options) == (name not in session)
    # NULL is the same as leaving it out.
    assert name not in checked(model_type, f"{name}=NULL").options


@pytest.mark.parametrize("option", OWNED)
def test_values_of_another_kind_are_refused(option: Option) -> None:
    model_type = min(option.types)
    for value in WRONG[option.kind]:
        if option.name == "hparam_tuning_objectives" and value.startswith("["):
            continue
        assert option.name in problem(model_type, f"{option.name}={value}")
    if option.kind in ("integer", "number"):
        for bound, beyond in ((option.low, -1), (option.high, 1)):
            if bound is not None:
                said = problem(model_type, f"{option.name}={int(bound) + beyond}")
                assert f"{option.name} is {int(bound) + beyond}, and must be" in said


@pytest.mark.parametrize("option", OWNED)
def test_only_what_can_be_tuned_takes_a_range(option: Option) -> None:
    model_type = min(option.types)
    candidates = f"{option.name}=HPARAM_CANDIDATES([{right(option)}, {right(option)}])"
    if option.tunable:
        assert option.name in checked(model_type, candidates, "num_trials=2").options
        assert "num_trials" in problem(model_type, candidates)
    else:
        assert f"{option.name} cannot be tuned" in problem(model_type, candidates)


@pytest.mark.parametrize("model_type", sorted(LOCAL))
def test_a_misspelt_option_is_told_the_nearest_of_its_type(model_type: str) -> None:
    known = {option.name for option in SUPPORTED if model_type in option.types}
    for name in known - {"model_type"}:
        misspelt = name[:-1] + "x"
        if misspelt not in NAMES:
            assert f"did you mean {nearest(misspelt, known)!r}?" in problem(model_type, f"{misspelt}=1")
