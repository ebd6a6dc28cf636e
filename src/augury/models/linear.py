"""Which linear models are there, and what may be said about them?

Both minimise `sum of losses + l1_reg * sum|w| + l2_reg / 2 * sum w^2` over standardised inputs, the
intercept left out of the penalty. The loss is half the squared error, or the log loss. Solvers are exact,
so there is no learning rate: BigQuery ML's options of gradient descent are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator

from augury.errors import ModelFailed
from augury.models.contract import FittedModel, Task, TrainingSet
from augury.models.options import ClassWeights, Options, Penalty, Word


class LinearOptions(Options):
    l1_reg: Penalty = 0.0
    """Weight of the sum of absolute coefficients."""
    l2_reg: Penalty = 0.0
    """Weight of half the sum of squared coefficients."""
    fit_intercept: bool = True
    """Whether a constant is added to the weighted sum."""
    category_encoding_method: Annotated[Literal["one_hot_encoding", "dummy_encoding"], Word] = "one_hot_encoding"
    """`dummy_encoding` leaves out the most frequent level of each category, which then has weight 0."""


class LinearRegOptions(LinearOptions):
    optimize_strategy: Annotated[Literal["auto_strategy", "normal_equation"], Word] = "auto_strategy"
    """`normal_equation` is refused with l1_reg, as in BigQuery ML; `auto_strategy` picks by the penalties."""
    max_iterations: Annotated[int, Field(ge=1)] = 10_000
    """Sweeps of coordinate descent; only with l1_reg, everything else is solved directly."""

    @model_validator(mode="after")
    def _solver_fits(self) -> LinearRegOptions:
        if self.l1_reg and self.optimize_strategy == "normal_equation":
            raise ValueError("optimize_strategy normal_equation cannot be used with l1_reg")
        if not self.l1_reg and "max_iterations" in self.model_fields_set:
            raise ValueError("max_iterations has no meaning without l1_reg: the solution is direct")
        return self


class LogisticRegOptions(LinearOptions, ClassWeights):
    max_iterations: Annotated[int, Field(ge=1)] = 1_000
    """The solver stops at convergence, or here."""


class LinearReg:
    """Linear regression: least squares, ridge, lasso or both, with BigQuery ML's automatic preprocessing."""

    task: ClassVar[Task | None] = "regression"
    Options: ClassVar[type[BaseModel]] = LinearRegOptions
    trains: ClassVar[bool] = True
    requires: ClassVar[str] = "linear"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scikit-learn")

    @staticmethod
    def fit(training: TrainingSet, options: LinearRegOptions, seed: int, threads: int) -> FittedModel:
        """`seed` and `threads` change nothing: the solution is direct, on one thread so that no sum is
        reordered.
        """
        from augury.models import linear_fit

        return linear_fit.fit_linear(training, options)

    @staticmethod
    def load(folder: Path, threads: int) -> FittedModel:
        from augury.models.linear_model import FittedLinear

        return FittedLinear.load(folder)

    @staticmethod
    def open_file(
        path: Path, features: Sequence[str], label: str, options: LinearRegOptions, threads: int
    ) -> FittedModel:
        raise ModelFailed("linear_reg is trained, it opens no files", fix="Remove model.path.")


class LogisticReg:
    """Logistic regression for two or more classes, with BigQuery ML's automatic preprocessing."""

    task: ClassVar[Task | None] = "classification"
    Options: ClassVar[type[BaseModel]] = LogisticRegOptions
    trains: ClassVar[bool] = True
    requires: ClassVar[str] = "linear"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scikit-learn")

    @staticmethod
    def fit(training: TrainingSet, options: LogisticRegOptions, seed: int, threads: int) -> FittedModel:
        """`seed` orders the rows of the solver that l1_reg needs; on one thread, so that no sum is
        reordered.
        """
        from augury.models import linear_fit

        return linear_fit.fit_logistic(training, options, seed)

    @staticmethod
    def load(folder: Path, threads: int) -> FittedModel:
        from augury.models.linear_model import FittedLinear

        return FittedLinear.load(folder)

    @staticmethod
    def open_file(
        path: Path, features: Sequence[str], label: str, options: LogisticRegOptions, threads: int
    ) -> FittedModel:
        raise ModelFailed("logistic_reg is trained, it opens no files", fix="Remove model.path.")
