"""What will a plan cost in a warehouse that bills, and may it?

Every query of a plan can be asked for its bytes without being run. A step is asked for a few of its dates and counted
for all of them; what reads a table that is not there yet, or asks a model, cannot be asked, and is said to be unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from augury.errors import AuguryError, LimitExceeded, Place, UsageError
from augury.operations.opened import Opened
from augury.operations.planning import Planned
from augury.plan.explain import Explanation
from augury.run.relations import Resolver
from augury.spec.pipeline import Limits
from augury.warehouses.contract import Billed

TIB = 2**40
_FILES = {"validate": "validation", "train": "training"}
"""Steps whose SQL has a name of its own."""
_ASKED = 3
"""Dates of a step that are asked."""


@dataclass(frozen=True)
class StepCost:
    step: str
    training: bool
    """For the dates that a model learns from, or as of a tick."""
    partitions: int
    bytes: int | None
    """Of all partitions; None where it cannot be told."""


@dataclass(frozen=True)
class Cost:
    """Of one plan."""

    steps: tuple[StepCost, ...]
    price_per_tib: float
    """US dollars."""
    dearest: tuple[date, int] | None
    """The date whose known queries read most, of those that were asked."""

    @property
    def bytes(self) -> int:
        """What is known of it."""
        return sum(each.bytes or 0 for each in self.steps)

    @property
    def money(self) -> float:
        return self.money_of(self.bytes)

    def money_of(self, amount: int) -> float:
        return amount / TIB * self.price_per_tib

    def of_step(self, step: str) -> int | None:
        """Bytes of all its partitions, those for trainings included; None where any of them cannot be told."""
        found = [each.bytes for each in self.steps if each.step == step]
        return None if None in found else sum(amount for amount in found if amount is not None)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.step for each in self.steps if each.bytes is None))


def cost_of(opened: Opened, planned: Planned) -> Cost | None:
    """None where the warehouse bills nothing."""
    warehouse = opened.warehouse
    if not isinstance(warehouse, Billed):
        return None
    found: list[StepCost] = []
    per_date: dict[date, int] = {}
    for step, training, days in _groups(planned):
        asked = _spread(days)
        answers = {day: _bytes(opened, warehouse, planned, step, day, training=training) for day in asked}
        known = [amount for amount in answers.values() if amount is not None]
        for day, amount in answers.items():
            per_date[day] = per_date.get(day, 0) + (amount or 0)
        total = round(sum(known) / len(known) * len(days)) if len(known) == len(asked) else None
        found.append(StepCost(step, training, len(days), total))
        if step == "train":
            # BigQuery bills CREATE MODEL by prices of its own, which depend on the type of the model.
            found.append(StepCost(step, training, len(days), None))
    dearest = max(per_date.items(), key=lambda item: item[1], default=None)
    return Cost(tuple(found), warehouse.price_per_tib, dearest)


def refuse_costly(cost: Cost | None, limits: Limits, max_cost: float | None, where: Place) -> None:
    """Raise LimitExceeded, before anything is asked of the warehouse, where the plan costs more than it may."""
    if max_cost is not None and math.isnan(max_cost):
        raise UsageError("--max-cost: nan is no amount of money", fix="Give dollars, such as --max-cost 5")
    if cost is None:
        return
    limit = limits.bytes_billed
    if limit is not None and cost.dearest is not None and cost.dearest[1] > limit:
        day, amount = cost.dearest
        raise LimitExceeded(
            f"the queries of {day} read {in_bytes(amount)}, and limits.bytes_billed allows {in_bytes(limit)}",
            where=where,
            why="estimated without running them",
            fix="No query ran. Raise limits.bytes_billed, or read fewer columns or days.",
        )
    if max_cost is not None and cost.money > max_cost:
        at_least = "at least " if cost.unknown else ""
        raise LimitExceeded(
            f"this costs {at_least}{_exactly(cost.money)}, and --max-cost allows {_exactly(max_cost)}",
            where=where,
            why=f"{in_bytes(cost.bytes)} at {in_money(cost.price_per_tib)} per TiB",
            fix="No query ran. Raise --max-cost, or ask for fewer dates.",
        )


def with_cost(explained: Explanation, cost: Cost | None) -> Explanation:
    """The same words with bytes and money beside the steps."""
    if cost is None:
        return explained
    rows = []
    for row in explained.rows:
        asked = any(each.step == row.step for each in cost.steps)
        amount = cost.of_step(row.step) if asked else None
        money = cost.money_of(amount) if amount is not None else None
        rows.append(replace(row, estimate_bytes=amount, estimate_cost=money))
    at_least = "at least " if cost.unknown else ""
    total = f"{at_least}{in_bytes(cost.bytes)}, {in_money(cost.money)} at {in_money(cost.price_per_tib)} per TiB"
    if cost.unknown:
        total += f"; what {', '.join(cost.unknown)} will cost cannot be told yet"
    return replace(explained, rows=tuple(rows), total=total)


def in_bytes(amount: int) -> str:
    """`12.4 GB`; powers of 1000, as limits are written."""
    value = float(amount)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def in_money(dollars: float) -> str:
    return f"${dollars:,.2f}" if dollars >= 0.01 or not dollars else "under $0.01"


def _exactly(dollars: float) -> str:
    """With as many digits as an amount below a cent has before its first figure."""
    return f"${dollars:.{1 - math.floor(math.log10(dollars))}f}" if 0 < dollars < 0.01 else in_money(dollars)


# -- questions ---------------------------------------------------------------------------------------------------


def _groups(planned: Planned) -> Iterator[tuple[str, bool, list[date]]]:
    """(step, whether for a training, its days) in the order of the plan."""
    groups: dict[tuple[str, bool], list[date]] = {}
    for task in planned.plan.tasks:
        for each in task.steps:
            groups.setdefault((each.step, each.training), []).append(each.day)
        if task.kind == "train":
            groups.setdefault(("train", False), []).append(task.day)
    steps = planned.definitions.pipeline.steps
    for (step, training), days in groups.items():
        definition = steps.get(_FILES.get(step, step))
        if definition is not None and definition.sql is not None:
            yield step, training, sorted(set(days))


def _spread(days: Sequence[date]) -> list[date]:
    """The first, the last and one between them."""
    if len(days) <= _ASKED:
        return list(days)
    return [days[0], days[len(days) // 2], days[-1]]


def _bytes(opened: Opened, warehouse: Billed, planned: Planned, step: str, day: date, *, training: bool) -> int | None:
    resolver = Resolver(
        planned.definitions,
        planned.graph,
        planned.ticks,
        opened.warehouse,
        planned.world.states,
        opened.references_folder,
        planned.world.facts.references,
        day,
        training,
        checks=False,
    )
    compiled = planned.definitions.step(_FILES.get(step, step), day).compiled
    assert compiled is not None
    if compiled.asks_models:
        return None
    try:
        estimate = warehouse.estimate(compiled.bind(planned.definitions.values(day), resolver))
    except AuguryError:
        # It reads what this very plan will make, or is refused when it runs, with its reason.
        return None
    return estimate.bytes if estimate is not None else 0
