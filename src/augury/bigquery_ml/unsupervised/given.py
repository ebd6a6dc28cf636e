"""What do the options of CREATE MODEL say, with the defaults that BigQuery documents?

One class per type of model; its fields are the options that are honoured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from augury.bigquery_ml.contract import Candidates, Range
from augury.errors import UsageError


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    """One objective may be written without its array."""
    return [value] if isinstance(value, str) else value


Word = BeforeValidator(_lower)
Whole = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Tuning(Options):
    """BigQuery docs: 'Hyperparameter tuning overview'."""

    num_trials: Annotated[int, Field(ge=1, le=100)] | None = None
    max_parallel_trials: Annotated[int, Field(ge=1, le=5)] | None = None
    """Accepted: trials run one after another here, with the same results."""
    hparam_tuning_algorithm: Annotated[Literal["vizier_default", "random_search", "grid_search"], Word] | None = None
    hparam_tuning_objectives: Annotated[list[Annotated[str, Word]], BeforeValidator(_texts)] | None = None


class Iterations(Options):
    max_iterations: Whole = 20
    early_stop: bool = True
    min_rel_progress: Annotated[float, Field(ge=0)] = 0.01


class KMeansOptions(Tuning, Iterations):
    """BigQuery docs: 'The CREATE MODEL statement for K-means models'."""

    num_clusters: Annotated[int, Field(ge=2, le=100)] | None = None
    kmeans_init_method: Annotated[Literal["random", "kmeans++", "custom"], Word] = "random"
    kmeans_init_col: str | None = None
    distance_type: Annotated[Literal["euclidean", "cosine"], Word] = "euclidean"
    standardize_features: bool = True
    warm_start: Literal[False] = False


class PCAOptions(Options):
    """BigQuery docs: 'The CREATE MODEL statement for PCA models'."""

    num_principal_components: Whole | None = None
    pca_explained_variance_ratio: Annotated[float, Field(gt=0, lt=1)] | None = None
    scale_features: bool = True
    pca_solver: Annotated[Literal["full", "randomized", "auto"], Word] = "auto"


class FactorizationOptions(Tuning, Iterations):
    """BigQuery docs: 'The CREATE MODEL statement for matrix factorization models'."""

    feedback_type: Annotated[Literal["explicit", "implicit"], Word] = "explicit"
    num_factors: Annotated[int, Field(ge=2, le=200)] | None = None
    user_col: str = "user"
    item_col: str = "item"
    rating_col: str = "rating"
    wals_alpha: Annotated[float, Field(ge=0)] | None = None
    l2_reg: Annotated[float, Field(ge=0)] = 1.0
    data_split_method: Annotated[Literal["auto_split", "random", "custom", "seq", "no_split"], Word] = "no_split"
    data_split_eval_fraction: Fraction | None = None
    data_split_test_fraction: Fraction | None = None
    data_split_col: str | None = None


class FileOptions(Options):
    model_path: str


class XGBoostOptions(FileOptions):
    """`input` and `output` are the INPUT and OUTPUT clauses: name to BigQuery type, in the order of the statement."""

    input: dict[str, str] | None = None
    output: dict[str, str] | None = None


_O = TypeVar("_O", bound=Options)


def read(kind: type[_O], options: Mapping[str, Any]) -> _O:
    """The options, checked. Raises UsageError with everything wrong with them."""
    given = {name: value for name, value in options.items() if name != "model_type" and value is not None}
    fixed = [name for name, value in given.items() if isinstance(value, Range | Candidates)]
    problems = [f"{name}: it cannot be tuned" for name in fixed]
    try:
        found = kind.model_validate({name: value for name, value in given.items() if name not in fixed})
    except ValidationError as error:
        problems += [f"{'.'.join(map(str, item['loc'][:1]))}: {_plain(item)}" for item in error.errors()]
    if problems:
        raise UsageError(
            f"{len(problems)} problem{'s' * (len(problems) != 1)} with the options", why="; ".join(problems)
        )
    return found


def _plain(item: Any) -> str:
    if item["loc"][:1] == ("warm_start",):
        return "a model is always trained from the start here"
    if item["type"] == "missing":
        return "it is missing"
    if item["type"] == "extra_forbidden":
        return "it is no option of this type of model"
    return f"{item['msg'][0].lower()}{item['msg'][1:]}, not {item['input']!r}"
