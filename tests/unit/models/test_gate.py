"""The gate decides, and says why with figures (K7, H5)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from augury.models.evaluation import Metric
from augury.models.gate import Comparison, Rival, Verdict, decide

MAE = "mean_absolute_error"
FOUND = {MAE: Metric(21.4, 1.94, (20.0, 22.0, 20.6, 23.0)), "r2_score": Metric(0.5, 0.0, (0.5,))}


def verdict(
    thresholds: Mapping[str, tuple[Comparison, float]], mine: float = 20.0, theirs: float | None = None
) -> Verdict:
    champion = None if theirs is None else Rival("ltv@2", {MAE: theirs, "r2_score": 0.4})
    return decide("regression", thresholds, FOUND, on_holdout={MAE: mine, "r2_score": 0.5}, champion=champion)


def test_a_threshold_that_is_met_lets_it_pass() -> None:
    assert verdict({MAE: ("<=", 40)}) == Verdict(True, "MAE 21.4 ± 1.94 over 4 folds, gate <= 40 ok")


def test_every_threshold_must_be_met() -> None:
    assert verdict({MAE: ("<", 30), "r2_score": (">=", 0.6)}) == Verdict(
        False, "MAE 21.4 ± 1.94 over 4 folds, gate < 30 ok; R2 0.5 on 1 fold, gate >= 0.6 not met"
    )


def test_a_limit_counts_as_met_only_where_it_says_so() -> None:
    assert verdict({MAE: ("<=", 21.4)}).passed
    assert not verdict({MAE: ("<", 21.4)}).passed


def test_a_figure_that_misses_narrowly_does_not_look_like_its_limit() -> None:
    found = {MAE: Metric(40.0004, 0.0, (40.0004,))}
    assert decide("regression", {MAE: ("<=", 40)}, found) == Verdict(False, "MAE 40.0004 on 1 fold, gate <= 40 not met")


def test_a_metric_that_was_not_measured_fails_by_name() -> None:
    assert decide("regression", {"r2_score": (">=", 0.1)}, {}, note="not evaluated: 1 training date") == Verdict(
        False, "r2_score could not be measured, gate >= 0.1 not met (not evaluated: 1 training date)"
    )
    assert not decide("regression", {MAE: ("<=", 9)}, {MAE: Metric(math.nan, 0, (math.nan,))}).passed


def test_without_a_gate_everything_passes() -> None:
    assert verdict({}) == Verdict(True, "MAE 21.4 ± 1.94 over 4 folds, no gate")
    assert decide("regression", {}, {}) == Verdict(True, "no gate")


def test_the_champion_is_met_on_the_same_rows_and_a_tie_passes() -> None:
    assert verdict({MAE: ("<=", 40)}, mine=20.0, theirs=20.5).reason.endswith(
        "; MAE 20 against 20.5 of ltv@2 on the last fold, better"
    )
    assert verdict({}, mine=20.0, theirs=20.0) == Verdict(True, "MAE 20 against 20 of ltv@2 on the last fold, as good")
    assert not verdict({}, mine=20.0, theirs=19.9).passed


def test_the_first_threshold_decides_what_is_compared_and_in_which_direction() -> None:
    assert verdict({"r2_score": (">=", 0.1)}, mine=20.0, theirs=1.0).passed
    assert not verdict({MAE: ("<=", 40), "r2_score": (">=", 0.1)}, mine=20.0, theirs=1.0).passed


def test_a_champion_that_could_not_be_measured_is_not_beaten() -> None:
    found = decide("regression", {}, FOUND, on_holdout={MAE: 1.0}, champion=Rival("ltv@2", {}))
    assert found == Verdict(False, "mean_absolute_error of ltv@2 could not be measured on the same rows")
