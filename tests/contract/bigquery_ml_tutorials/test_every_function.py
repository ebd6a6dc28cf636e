"""Every function of BigQuery ML, asked of every type of model: it answers, or is refused by name with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from augury.bigquery_ml.contract import Call
from augury.errors import ModelFailed, UsageError
from augury.sql.bigquery_ml.catalogue.answered import ANSWERED, NEEDED
from augury.sql.bigquery_ml.catalogue.model_types import LOCAL
from augury.sql.bigquery_ml.functions import TABLE_FUNCTIONS
from tests.contract.bigquery_ml_tutorials.zoo import Zoo


def asked(zoo: Zoo, sql: str) -> tuple[Any, Any]:
    """(how it was refused, what was answered)"""
    try:
        return None, zoo.room.table(sql)
    except (UsageError, ModelFailed) as refused:
        return (refused, None) if refused.where.line == 1 else ("without its line", None)


def test_the_catalogue_says_it_of_every_function() -> None:
    assert ANSWERED.keys() == TABLE_FUNCTIONS.keys()
    assert NEEDED.keys() <= ANSWERED.keys()


@pytest.mark.parametrize("model_type", sorted(LOCAL))
@pytest.mark.parametrize("function", sorted(TABLE_FUNCTIONS))
def test_a_function_answers_or_says_what_to_do(zoo: Zoo, function: str, model_type: str) -> None:
    takes = TABLE_FUNCTIONS[function].rows
    answers = 0
    for rows in (False, True) if takes == "allowed" else (takes == "needed",):
        sql = zoo.question(function, model_type, rows=rows)
        refused, table = asked(zoo, sql)
        if table is not None:
            answers += 1
            assert table.num_rows
            assert zoo.room.session.describe(sql) == table.schema
        elif model_type in ANSWERED[function]:
            # One of the two forms is not for this type: the message says what to leave out or to add.
            assert takes == "allowed"
            assert refused.fix
        else:
            assert f"ML.{function.upper()}" in refused.what
            assert refused.fix or refused.why
    assert bool(answers) == (model_type in ANSWERED[function])


@pytest.mark.parametrize("model_type", sorted(LOCAL))
@pytest.mark.parametrize("function", sorted({*NEEDED} - {"roc_curve", "explain_forecast"}))
def test_a_model_that_lacks_the_option_says_which(zoo: Zoo, function: str, model_type: str) -> None:
    if model_type not in ANSWERED[function] or model_type == "transform_only":
        return
    name = zoo.model(model_type)
    with pytest.raises(UsageError) as refused:
        zoo.room.table(zoo.question(function, model_type, rows=TABLE_FUNCTIONS[function].rows == "needed", name=name))
    option = {"transform": "TRANSFORM"}.get(function, NEEDED[function].strip("`").split()[0].split("`")[0])
    assert option.lower() in (refused.value.fix or "").lower()
    assert name in str(refused.value)


@pytest.mark.parametrize("model_type", sorted(LOCAL))
def test_a_model_asked_directly_refuses_in_the_same_way(zoo: Zoo, model_type: str) -> None:
    name = zoo.model(model_type)
    loaded = zoo.room.session._models.get(tuple(name.split("."))).model
    for function in (*TABLE_FUNCTIONS, "no_such_function"):
        if function not in loaded.functions:
            with pytest.raises(UsageError, match=f"ML.{function.upper()}"):
                loaded.call(Call(function))
    assert loaded.functions | {"feature_info", "transform"} >= {
        function for function, types in ANSWERED.items() if model_type in types and function not in NEEDED
    }
