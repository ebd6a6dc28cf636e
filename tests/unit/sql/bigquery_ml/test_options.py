"""Which options a type of model takes, and what is said about the others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from augury.errors import SpecError
from augury.sql.bigquery_ml.catalogue import model_types
from augury.sql.bigquery_ml.catalogue.check import Chosen, alterations, check_create, export_uri
from augury.sql.bigquery_ml.catalogue.supported import SUPPORTED
from augury.sql.bigquery_ml.catalogue.unsupported import UNSUPPORTED
from augury.sql.bigquery_ml.statements import AlterModel, CreateModel, ExportModel, read_statement
from augury.sql.bigquery_ml.values import Candidates, Expression, Range


def checked(options: str, rest: str = "AS SELECT 1 AS x") -> Chosen:
    statement = read_statement(f"CREATE MODEL d.m OPTIONS({options}) {rest}")
    assert isinstance(statement, CreateModel)
    return check_create(statement, "train.sql")


def problems(options: str, rest: str = "AS SELECT 1 AS x") -> list[str]:
    with pytest.raises(SpecError) as caught:
        checked(options, rest)
    return [str(problem) for problem in caught.value.problems]


def test_what_a_type_of_model_gets() -> None:
    chosen = checked(
        "model_type='BOOSTED_TREE_CLASSIFIER', input_label_cols='y', booster_type='DART', max_tree_depth=4, "
        "subsample=HPARAM_RANGE(0.5, 1), tree_method=HPARAM_CANDIDATES(['HIST', 'APPROX']), num_trials=5, l2_reg=NULL, "
        "class_weights=[STRUCT('a' AS label, 0.5), STRUCT('b', 2)]"
    )
    assert chosen.model_type == "boosted_tree_classifier"
    assert chosen.options == {
        "input_label_cols": ["y"],
        "booster_type": "dart",
        "max_tree_depth": 4,
        "subsample": Range(0.5, 1.0),
        "tree_method": Candidates(("hist", "approx")),
        "num_trials": 5,
        "class_weights": {"a": 0.5, "b": 2.0},
    }
    assert [(column.option, column.column) for column in chosen.columns] == [("input_label_cols", "y")]


def test_what_the_session_keeps_to_itself() -> None:
    chosen = checked(
        "model_type='linear_reg', description='d', friendly_name='f', labels=[('team', 'shop')], "
        "expiration_timestamp=TIMESTAMP '2030-01-01 00:00:00'"
    )
    assert chosen.options == {}
    assert (chosen.description, chosen.friendly_name, chosen.tags) == ("d", "f", {"team": "shop"})
    assert chosen.expiration == datetime(2030, 1, 1, tzinfo=UTC)
    later = checked("model_type='linear_reg', expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY)")
    assert later.expiration == Expression("TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY)")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("non_seasonal_order=(2, 1, 0)", [2, 1, 0]),
        ("non_seasonal_order=STRUCT(2 AS p, 1 AS d, 0 AS q)", [2, 1, 0]),
        ("time_series_id_col=['a', 'b']", ["a", "b"]),
        ("time_series_id_col='a'", ["a"]),
        ("seasonalities=['WEEKLY', 'YEARLY']", ["weekly", "yearly"]),
        ("data_frequency='DAILY'", "daily"),
        ("forecast_limit_lower_bound=0", 0.0),
    ],
)
def test_options_of_time_series(option: str, value: Any) -> None:
    assert list(checked(f"model_type='arima_plus', {option}").options.values()) == [value]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("input_label_cols=['y']", "OPTIONS(model_type = '...') is missing (column 14)"),
        ("model_type='linear_regr'", "there is no model_type 'linear_regr' (column 26)   did you mean 'linear_reg'?"),
        ("model_type='LINEAR_REGRESSION'", "there is no model_type 'LINEAR_REGRESSION' (column 26)   did you mean"),
        ("model_type=1", "model_type is a string"),
        ("model_type='dnn_classifier'", "model_type dnn_classifier is not available here: it is a neural network"),
        (
            "model_type='automl_regressor'",
            "it trains only on Google Cloud: use boosted_tree_*, or keep this pipeline's",
        ),
        ("model_type='tensorflow'", "convert the model to ONNX"),
        (
            "model_type='linear_reg', lern_rate=1",
            "there is no option lern_rate (column 51)   did you mean 'learn_rate'?",
        ),
        (
            "model_type='linear_reg', max_tree_depth=4",
            "max_tree_depth is no option of linear_reg: it belongs to boosted_",
        ),
        (
            "model_type='linear_reg', hidden_units=[4]",
            "the option hidden_units cannot be honoured here: it belongs to ne",
        ),
        ("model_type='linear_reg', kms_key_name='k'", "a key of Cloud KMS encrypts a model inside Google Cloud"),
        ("model_type='linear_reg', model_registry='vertex_ai'", "models are registered in Vertex AI by BigQuery alone"),
        ("model_type='kmeans', warm_start=TRUE", "a model is always trained from the start here"),
        (
            "model_type='linear_reg', holiday_region='US'",
            "holiday_region is no option of linear_reg: it belongs to arima",
        ),
        ("model_type='linear_reg', max_iterations='5'", "max_iterations is an integer, not '5'"),
        ("model_type='linear_reg', max_iterations=TRUE", "max_iterations is an integer, not True"),
        ("model_type='linear_reg', max_iterations=0", "max_iterations is 0, and must be at least 1"),
        ("model_type='linear_reg', early_stop='yes'", "early_stop is TRUE or FALSE, not 'yes'"),
        ("model_type='linear_reg', l1_reg=-1", "l1_reg is -1, and must be at least 0"),
        ("model_type='linear_reg', l1_reg=1 + 1", "l1_reg is a literal, not '1 + 1'"),
        ("model_type='linear_reg', learn_rate=HPARAM_RANGE(0, 1)", "learn_rate cannot be tuned: give it one value"),
        ("model_type='linear_reg', l1_reg=HPARAM_RANGE(0, 1)", "l1_reg is to be tuned: say how often with num_trials"),
        ("model_type='linear_reg', early_stop=HPARAM_CANDIDATES([TRUE])", "early_stop cannot be tuned"),
        ("model_type='linear_reg', data_split_eval_fraction=1.5", "is 1.5, and must be from 0 to 1"),
        (
            "model_type='linear_reg', data_split_method='rand'",
            "is one of AUTO_SPLIT, RANDOM, CUSTOM, SEQ, NO_SPLIT, not",
        ),
        (
            "model_type='boosted_tree_regressor', tree_method=HPARAM_RANGE(1, 2)",
            "is tuned with HPARAM_CANDIDATES(['auto'",
        ),
        (
            "model_type='boosted_tree_regressor', class_weights=[('a', 1)]",
            "class_weights is no option of boosted_tree_r",
        ),
        ("model_type='logistic_reg', class_weights=[('a')]", "class_weights is an array of STRUCT('label', weight)"),
        ("model_type='logistic_reg', class_weights=[('a', 1), ('a', 2)]", "class_weights names something twice"),
        ("model_type='arima_plus', non_seasonal_order=(1, 2)", "is three integers (p, d, q), not"),
        ("model_type='linear_reg', expiration_timestamp='soon'", "expiration_timestamp is a TIMESTAMP, not 'soon'"),
        (
            "model_type='linear_reg', input_label_cols=[]",
            "is a string or an array of strings that name columns, not []",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(options: str, problem: str) -> None:
    (found,) = problems(options)
    assert found.startswith("train.sql:1  ")
    assert problem in found


def test_everything_wrong_is_said_at_once() -> None:
    found = problems("model_type='linear_reg', lern_rate=1, early_stop=2,\n max_tree_depth=3, kms_key_name='x'")
    assert len(found) == 4
    assert found[2].startswith("train.sql:2")


@pytest.mark.parametrize(
    ("options", "rest", "problem"),
    [
        ("model_type='linear_reg'", "", "is trained: write AS SELECT ... behind OPTIONS"),
        ("model_type='onnx', model_path='file:///m'", "AS SELECT 1", "is made of a file: it has no AS query"),
        (
            "model_type='arima_plus'",
            "AS (training_data AS (SELECT 1), custom_holiday AS (SELECT 2))",
            "custom_holiday cannot",
        ),
        ("model_type='transform_only'", "AS SELECT 1", "is made of its TRANSFORM(...) clause"),
    ],
)
def test_clauses_that_a_type_does_not_take(options: str, rest: str, problem: str) -> None:
    assert problem in problems(options, rest)[0]


def test_a_remote_model_is_refused() -> None:
    statement = read_statement("CREATE MODEL m REMOTE WITH CONNECTION `p.us.c` OPTIONS(endpoint='gemini')")
    assert isinstance(statement, CreateModel)
    with pytest.raises(SpecError, match="a remote model answers from Google Cloud"):
        check_create(statement)


def test_the_columns_of_an_imported_model_are_handed_on() -> None:
    statement = read_statement(
        "CREATE MODEL m INPUT(a FLOAT64) OUTPUT(b STRING) OPTIONS(model_type='xgboost', model_path='x')"
    )
    assert isinstance(statement, CreateModel)
    chosen = check_create(statement)
    assert chosen.options == {"model_path": "x", "input": {"a": "FLOAT64"}, "output": {"b": "STRING"}}
    assert chosen.model_path == "x"


def test_altering() -> None:
    statement = read_statement("ALTER MODEL m SET OPTIONS(description='new', expiration_timestamp=NULL)")
    assert isinstance(statement, AlterModel)
    chosen = alterations(statement)
    assert chosen.altered == ("description", "expiration")
    assert (chosen.description, chosen.expiration) == ("new", None)
    wrong = read_statement("ALTER MODEL m SET OPTIONS(descripton='new', max_iterations=3)")
    assert isinstance(wrong, AlterModel)
    with pytest.raises(SpecError) as caught:
        alterations(wrong)
    assert [problem.suggestion for problem in caught.value.problems] == ["description", None]


@pytest.mark.parametrize("options", ["", "uri=1", "uri='x', url='y'", "uri='x', trial_id=2"])
def test_exporting_needs_a_place_and_nothing_else(options: str) -> None:
    statement = read_statement(f"EXPORT MODEL m OPTIONS({options})")
    assert isinstance(statement, ExportModel)
    with pytest.raises(SpecError):
        export_uri(statement)


def test_the_catalogue_says_one_thing_about_each_option_of_a_type() -> None:
    seen = [(entry.name, name) for entry in SUPPORTED for name in entry.types]
    assert len(seen) == len(set(seen))
    assert {name for _, name in seen} == model_types.LOCAL
    refused = [refusal.name for refusal in UNSUPPORTED]
    assert len(refused) == len(set(refused))
    assert not set(refused) & {entry.name for entry in SUPPORTED}
    assert all(refusal.why for refusal in UNSUPPORTED)
    assert not model_types.LOCAL & model_types.REFUSED.keys()
