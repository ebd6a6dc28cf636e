"""Which file does EXPORT MODEL write of trees, so that other tools know its inputs by name?

BigQuery docs: 'The CREATE MODEL statement for importing XGBoost models': a file that has feature_names and
feature_types is imported without an INPUT clause. Its inputs are the columns of the matrix, numbers: categories as
features.json says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from augury.bigquery_ml.supervised.columns import Column
from augury.bigquery_ml.supervised.tree_inputs import AnyTreeInput, Label, OneHot, Set
from augury.models.native import xgboost
from augury.models.xgboost_booster import refused

_NO_NAME = re.compile(r"\W+")
"""XGBoost refuses brackets and <, and SQL wants no blanks."""


def named(content: bytes, columns: Sequence[Column], inputs: Sequence[AnyTreeInput]) -> bytes:
    """The model in UBJ with names and types of its inputs. Raises ModelFailed."""
    booster = xgboost().Booster({"nthread": 1, "verbosity": 0})
    with refused("the model cannot be exported"):
        booster.load_model(bytearray(content))
        booster.feature_names = names(columns, inputs)
        booster.feature_types = [
            "int" if isinstance(item, Label) else "float" for item in inputs for _ in range(item.width)
        ]
        return bytes(booster.save_raw("ubj"))


def names(columns: Sequence[Column], inputs: Sequence[AnyTreeInput]) -> list[str]:
    """One for each column of the matrix, none twice whatever its letter case."""
    out: dict[str, str] = {}
    for column, item in zip(columns, inputs, strict=True):
        for part in _parts(item):
            wanted = _NO_NAME.sub("_", f"{column.name}_{part}" if part else column.name)
            name, again = wanted, 1
            while name.lower() in out:
                name, again = f"{wanted}_{again}", again + 1
            out[name.lower()] = name
    return list(out.values())


def _parts(item: AnyTreeInput) -> list[str]:
    if item.width == 1:
        return [""]
    if isinstance(item, OneHot | Set):
        return [*(str(level) for level in item.levels), "null"]
    return [str(at) for at in range(item.width)]
