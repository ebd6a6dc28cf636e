"""May the candidate be published? Exactly one row, and every column of it true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augury.errors import AuguryError, Held, Place
from augury.sql.checks import figures
from augury.warehouses.contract import Warehouse


@dataclass(frozen=True)
class FailedCheck:
    name: str
    value: str
    """What the check returned instead of true: false, NULL, 0, ..."""
    figure: str = ""
    """What it was computed from, e.g. `avg(predicted_revenue) is 32.4`."""

    def __str__(self) -> str:
        return "   ".join(part for part in (self.name, self.value, self.figure) if part)


def run_checks(warehouse: Warehouse, sql: str, accepted: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Run a validation; (number of checks, checks that failed but were accepted).

    Raises Held naming every check that is not true, or the shape that is not one row.
    """
    return judge(_rows(warehouse, sql), accepted, explain=lambda check: _with_figure(warehouse, sql, check))


def judge(
    rows: Sequence[Mapping[str, Any]],
    accepted: Sequence[str],
    *,
    by: str = "validation.sql",
    explain: Callable[[FailedCheck], FailedCheck] = lambda check: check,
) -> tuple[int, tuple[str, ...]]:
    """The same for what a validation returned; two rows stand for any number of them."""
    if len(rows) != 1:
        count = "no row" if not rows else "more than one row"
        raise Held(f"{by} returned {count}; exactly one is needed", fix=_LATEST)
    failed = [FailedCheck(name, _shown(value)) for name, value in rows[0].items() if value is not True]
    refused = [check for check in failed if check.name not in accepted]
    if refused:
        raise ChecksFailed([explain(check) for check in refused], len(rows[0]))
    return len(rows[0]), tuple(check.name for check in failed)


_LATEST = "Nothing was published; the latest published date stays."


class ChecksFailed(Held):
    """Checks that are not true, each with its value and figure."""

    def __init__(self, failed: Sequence[FailedCheck], total: int) -> None:
        verb = "is" if len(failed) == 1 else "are"
        super().__init__(f"{len(failed)} of {total} checks {verb} not true", where=Place(step="validate"))
        self.failed = tuple(failed)

    def lines(self) -> list[str]:
        head, *rest = super().lines()
        return [head, *(f"  {check}" for check in self.failed), *rest]

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "checks": [vars(check) for check in self.failed]}


def in_one_line(error: AuguryError) -> str:
    """What the ledger keeps of an error: what happened and why; of checks, which ones."""
    why = ", ".join(check.name for check in error.failed) if isinstance(error, ChecksFailed) else error.why
    return " ".join((f"{error.what}: {why}" if why else error.what).split())


def _rows(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
    """At most two rows: more would only be counted."""
    return warehouse.rows(sql, 2)


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    return "false" if value is False else str(value)


def _with_figure(warehouse: Warehouse, sql: str, check: FailedCheck) -> FailedCheck:
    """The check with the values that it compares, where they can be asked for."""
    found = figures(sql, check.name)
    if not found:
        return check
    try:
        columns = ", ".join(f"{expression} AS f{at}" for at, (_, expression) in enumerate(found.expressions))
        row = _rows(warehouse, found.select(columns))
    except Exception:  # noqa: BLE001  a figure is a courtesy: without it the verdict stands all the same
        return check
    words = [
        f"{label} is {_number(value)}" for (label, _), value in zip(found.expressions, row[0].values(), strict=True)
    ]
    return FailedCheck(check.name, check.value, ", ".join(words[:3]))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _shown(value)
