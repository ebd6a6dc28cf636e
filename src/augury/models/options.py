"""What do the options of all model kinds have in common?

Options carry BigQuery ML's names in lower case. An option of BigQuery ML that an engine here cannot honour
is left out of the kind's options, so that it is refused by name instead of being ignored.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Options(BaseModel):
    """Base of every kind's options: frozen, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Word = BeforeValidator(_lower)
"""Values may be written as in BigQuery ML, in any case: `HIST` is `hist`."""

Fraction = Annotated[float, Field(gt=0, le=1)]
Penalty = Annotated[float, Field(ge=0)]


def class_name(label: Any) -> str:
    """A class label as text: `true`, `3`, `gold`."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _names(value: Any) -> Any:
    return {class_name(key): weight for key, weight in value.items()} if isinstance(value, dict) else value


class ClassWeights(Options):
    """How much each class counts while training a classifier."""

    auto_class_weights: bool = False
    """Weigh classes by the inverse of their frequency, so that each counts the same in total."""
    class_weights: Annotated[dict[str, Annotated[float, Field(ge=0)]] | None, BeforeValidator(_names)] = None
    """Class label to weight, for every class: `{gold: 2, silver: 1}`."""

    @model_validator(mode="after")
    def _one_way(self) -> ClassWeights:
        if self.auto_class_weights and self.class_weights:
            raise ValueError("auto_class_weights and class_weights exclude each other")
        return self
