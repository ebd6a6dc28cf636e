"""What does docs/reference/bigquery-ml.md say? Types, options and functions, from the catalogue that checks them."""

from __future__ import annotations

from collections.abc import Iterable

from augury.sql.bigquery_ml.catalogue.answered import ANSWERED, ELSEWHERE, NEEDED
from augury.sql.bigquery_ml.catalogue.model_types import LOCAL, REFUSED, REMOTE
from augury.sql.bigquery_ml.catalogue.option import SHOWN, Option
from augury.sql.bigquery_ml.catalogue.supported import SUPPORTED
from augury.sql.bigquery_ml.catalogue.unsupported import UNSUPPORTED
from augury.sql.bigquery_ml.functions import REFUSED as REFUSED_FUNCTIONS
from augury.sql.bigquery_ml.functions import SCALARS

OPENING = """\
Statements of BigQuery ML run in BigQuery where the target is BigQuery, and in augury on any other: the same SQL trains
a model on a laptop. Names, output columns and types are those of Google's documentation; the numbers are those of the
libraries below. Whatever cannot be done here is refused by name, with what to do instead: no option is ignored.

| types | done by |
|---|---|
| `linear_reg`, `logistic_reg` | NumPy, scikit-learn |
| `boosted_tree_*`, `random_forest_*`, `xgboost` | XGBoost, which BigQuery ML uses itself |
| `kmeans`, `pca` | scikit-learn |
| `matrix_factorization` | implicit, and least squares of augury's own for explicit feedback |
| `arima_plus`, `arima_plus_xreg` | statsforecast: equivalent to BigQuery ML's, not identical |
| `onnx` | ONNX Runtime |
| `transform_only` | SQL |
"""


def page(note: str = "") -> str:
    """The whole page; `note` is what the generator writes under the headline of each."""
    out = [f"# BigQuery ML\n\n{note}{OPENING}"]
    out.append("\n## Types that train on Google Cloud alone\n\n| type | why |\n|---|---|\n")
    out += _rows((f"`{name}`", why) for name, why in sorted(REFUSED.items()))
    out += _rows([("remote models", REMOTE)])
    out.append("\n## Options\n\n| option | value | types |\n|---|---|---|\n")
    options = sorted(SUPPORTED, key=lambda option: option.name)
    out += _rows((f"`{option.name}`", _value(option), _types(option.types)) for option in options)
    out.append("\n## Options that are refused here\n\n| option | why |\n|---|---|\n")
    out += _rows(sorted((f"`{refusal.name}`", refusal.why) for refusal in UNSUPPORTED))
    out.append("\n## Functions of a model\n\n| type | functions |\n|---|---|\n")
    out += _rows((f"`{name}`", _names(of(name))) for name in sorted(LOCAL))
    out.append("\nSome need a word in training:\n\n| function | needs |\n|---|---|\n")
    out += _rows((f"`ML.{name.upper()}`", needs) for name, needs in sorted(NEEDED.items()))
    out.append("\nWhere BigQuery differs:\n\n")
    out += [f"- `ML.{name.upper()}` {said}.\n" for name, said in sorted(ELSEWHERE.items())]
    out.append(f"\n## Functions of values\n\nIn TRANSFORM and in SELECT: {_names(SCALARS)}.\n")
    out.append("\n## Functions that are refused here\n\n| function | why not |\n|---|---|\n")
    out += _rows((f"`ML.{name.upper()}`", why) for name, why in sorted(REFUSED_FUNCTIONS.items()))
    return "".join(out)


def of(model_type: str) -> list[str]:
    """The functions that models of a type answer."""
    return [name for name, types in ANSWERED.items() if model_type in types]


def _rows(cells: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |\n" for row in dict.fromkeys(cells)]


def _value(option: Option) -> str:
    said = ", ".join(f"`{word}`" for word in option.words) or SHOWN[option.kind]
    low, high = option.low, option.high
    if low is not None and high is not None:
        said += f" from {low:g} to {high:g}"
    elif low is not None:
        said += f", at least {low:g}"
    return f"{said}; HPARAM_RANGE, HPARAM_CANDIDATES" if option.tunable else said


def _types(types: frozenset[str]) -> str:
    return "all" if types >= LOCAL else ", ".join(f"`{name}`" for name in sorted(types))


def _names(functions: Iterable[str]) -> str:
    return ", ".join(f"`ML.{name.upper()}`" for name in sorted(functions))
