"""Is a candidate good enough to score with? Pure.

Every threshold must be met by the mean over the folds. `beats: champion` compares the first threshold's
metric, or else the task's primary one, on the candidate's last fold, where both models predict the same
rows; a tie passes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from augury.models.contract import Task
from augury.models.evaluation import Metric
from augury.models.metrics import METRICS, PRIMARY, SHORT

Comparison = Literal["<=", ">=", "<", ">"]
COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True)
class Rival:
    """The champion, measured on the candidate's hold-out."""

    name: str
    """As people say it, e.g. `ltv@2`."""
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    passed: bool
    reason: str
    """One line with the figures, e.g. `MAE 21.4 ± 1.9 over 4 folds, gate <= 40 ok`."""


def decide(
    task: Task | None,
    thresholds: Mapping[str, tuple[Comparison, float]],
    metrics: Mapping[str, Metric],
    *,
    note: str = "",
    on_holdout: Mapping[str, float] | None = None,
    champion: Rival | None = None,
) -> Verdict:
    """Whether the candidate passes, and why.

    `metrics` are its means over the folds, `on_holdout` its figures on the last one; `note` says what is
    special about the evaluation. `champion` is None where the gate does not ask for it or there is none to
    beat, `task` for a model in SQL, which has the metrics that its type has. A metric that is missing or not
    a number fails.
    """
    results = [_meets(name, metrics.get(name), *limit, note) for name, limit in thresholds.items()]
    if champion is not None and task is not None:
        decider = next(iter(thresholds), PRIMARY[task])
        results.append(_beats(task, decider, on_holdout or {}, champion))
    if not results:
        decider = PRIMARY[task] if task is not None else next(iter(metrics), "")
        found = metrics.get(decider)
        results.append((True, f"{_measured(decider, found)}, no gate" if found else "no gate"))
    reason = "; ".join(text for _, text in results)
    return Verdict(all(ok for ok, _ in results), f"{reason} ({note})" if note else reason)


def _meets(name: str, metric: Metric | None, compare: Comparison, limit: float, note: str) -> tuple[bool, str]:
    if metric is None or math.isnan(metric.mean):
        return False, f"{name} could not be measured, gate {compare} {limit:g} not met"
    if COMPARE[compare](metric.mean, limit):
        return True, f"{_measured(name, metric)}, gate {compare} {limit:g} ok"
    return False, f"{_measured(name, metric, exact=True)}, gate {compare} {limit:g} not met"


def _beats(task: Task, name: str, own: Mapping[str, float], champion: Rival) -> tuple[bool, str]:
    mine, theirs = own.get(name, math.nan), champion.metrics.get(name, math.nan)
    missing = [who for who, figure in (("candidate", mine), (champion.name, theirs)) if math.isnan(figure)]
    if missing:
        return False, f"{name} of {' and '.join(missing)} could not be measured on the same rows"
    better = mine <= theirs if METRICS[task][name] == "lower" else mine >= theirs
    verdict = "as good" if mine == theirs else "better" if better else "not better"
    exact = not better
    figures = f"{_figure(mine, exact)} against {_figure(theirs, exact)} of {champion.name}"
    return better, f"{SHORT.get(name, name)} {figures} on the last fold, {verdict}"


def _measured(name: str, metric: Metric, exact: bool = False) -> str:
    folds = len(metric.values)
    spread = f" ± {_figure(metric.std)}" if folds > 1 else ""
    count = f"over {folds} folds" if folds > 1 else "on 1 fold"
    return f"{SHORT.get(name, name)} {_figure(metric.mean, exact)}{spread} {count}"


def _figure(value: float, exact: bool = False) -> str:
    """`exact` shows more digits, so that a figure that misses its limit does not look like it."""
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.6g}" if exact else f"{value:.3g}"
