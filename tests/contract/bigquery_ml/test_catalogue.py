"""Every option and every type of model that BigQuery's API knows is honoured, or refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from augury.bigquery_ml.supervised import options as supervised
from augury.bigquery_ml.time_series import options as time_series
from augury.bigquery_ml.types import BUILT_IN
from augury.bigquery_ml.unsupervised import options as unsupervised
from augury.sql.bigquery_ml.catalogue.model_types import LOCAL, REFUSED, api_name
from augury.sql.bigquery_ml.catalogue.supported import SESSION, SUPPORTED
from augury.sql.bigquery_ml.catalogue.unsupported import API_ONLY, UNSUPPORTED
from augury.sql.bigquery_ml.functions import SCALARS, TABLE_FUNCTIONS
from augury.sql.bigquery_ml.transform_functions import FUNCTIONS as PREPROCESSING
from augury.sql.bigquery_ml.transform_functions import REFUSED as REFUSED_PREPROCESSING

PARTS = {**supervised.SUPPORTED, **unsupervised.SUPPORTED, **time_series.SUPPORTED}


@pytest.fixture(scope="module")
def schemas() -> Mapping[str, Any]:
    """The API's own description of itself, which the google-api-python-client wheel brings."""
    import googleapiclient

    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    found: Mapping[str, Any] = json.loads((folder / "bigquery.v2.json").read_text())["schemas"]
    return found


def test_every_training_option_of_the_api_has_its_place(schemas: Mapping[str, Any]) -> None:
    known = set(schemas["TrainingOptions"]["properties"])
    honoured = {entry.api for entry in SUPPORTED if entry.api}
    refused = {refusal.api for refusal in UNSUPPORTED if refusal.api}
    assert honoured | refused | set(API_ONLY) == known
    assert not honoured & refused
    assert not (honoured | refused) & set(API_ONLY)


def test_every_type_of_model_of_the_api_has_its_place(schemas: Mapping[str, Any]) -> None:
    known = set(schemas["Model"]["properties"]["modelType"]["enum"]) - {"MODEL_TYPE_UNSPECIFIED"}
    assert {api_name(name) for name in LOCAL | REFUSED.keys()} == known
    assert set(BUILT_IN) == LOCAL


def test_every_tunable_option_of_the_api_is_tunable_here_or_refused(schemas: Mapping[str, Any]) -> None:
    known = {
        {"l1Reg": "l1Regularization", "l2Reg": "l2Regularization"}.get(name, name)
        for name in schemas["HparamSearchSpaces"]["properties"]
    }
    tunable = {entry.api for entry in SUPPORTED if entry.tunable}
    assert tunable <= known
    assert known - tunable <= {refusal.api for refusal in UNSUPPORTED}


def test_words_are_those_of_the_api(schemas: Mapping[str, Any]) -> None:
    properties = schemas["TrainingOptions"]["properties"]
    sql_only = {"seq", "kmeans++", "auto_strategy", "target_encoding"}
    api_only = {"sequential", "kmeans_plus_plus"}
    for name in {entry.api for entry in SUPPORTED if entry.words and "enum" in properties.get(entry.api, {})}:
        words = {word for entry in SUPPORTED if entry.api == name for word in entry.words}
        enum = {word.lower() for word in properties[name]["enum"] if "UNSPECIFIED" not in word}
        assert words - sql_only == enum - api_only, name


@pytest.mark.parametrize("model_type", sorted(PARTS))
def test_a_type_honours_what_the_catalogue_says(model_type: str) -> None:
    session = {entry.name for entry in SESSION}
    catalogue = {entry.name for entry in SUPPORTED if model_type in entry.types}
    assert catalogue - session == PARTS[model_type] - session - {"warm_start"}


def test_every_type_but_one_says_what_it_honours() -> None:
    assert set(PARTS) == LOCAL - {"transform_only"}


def test_what_the_parts_refuse_the_catalogue_refuses() -> None:
    parts = supervised.REFUSED.keys() | unsupervised.REFUSED.keys() | time_series.REFUSED.keys()
    assert parts <= {refusal.name for refusal in UNSUPPORTED}


def test_functions_of_values_are_those_that_transform_knows() -> None:
    assert set(PREPROCESSING) | set(REFUSED_PREPROCESSING) == SCALARS
    assert not SCALARS & TABLE_FUNCTIONS.keys()
