"""What is waited for in other pipelines, in words, and which command brings it about?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from augury.plan.steps import External


@dataclass(frozen=True)
class Awaited:
    """Partitions of one step of another pipeline."""

    name: str
    """`scores.predictions`."""
    what: str
    """`scores.predictions 2026-01-15 is not built`, `scores.predictions is not built for 12 dates, ...`."""
    command: str
    """`augury run scores --date 2026-01-15`."""


def awaited(needs: Iterable[External]) -> tuple[Awaited, ...]:
    """The needs of one step together, in the order of their names."""
    by_name: dict[str, list[External]] = {}
    for need in sorted(needs, key=lambda need: (need.name, need.day)):
        by_name.setdefault(need.name, []).append(need)
    return tuple(Awaited(name, _what(group), _command(group)) for name, group in by_name.items())


def in_words(needs: Iterable[External]) -> tuple[str, str]:
    """(what is not there, how to build it) of all needs together."""
    every = awaited(needs)
    return "; ".join(each.what for each in every), " and ".join(each.command for each in every)


def _what(needs: Sequence[External]) -> str:
    days = sorted({need.day for need in needs})
    first = needs[0]
    if len(days) == 1:
        return str(first)
    span = f"for {len(days):,} dates, {days[0]} to {days[-1]}"
    if len({need.why for need in needs}) == 1:
        return f"{first.name} {first.why} {span}"
    return f"{first.name} is not there {span}; {first.day} {first.why}"


def _command(needs: Sequence[External]) -> str:
    first, last = needs[0], needs[-1]
    words = "".join(_options(first))
    if first.day == last.day:
        return f"augury run {first.pipeline} --date {first.day}{words}"
    return f"augury backfill {first.pipeline} --start {first.day} --end {last.day + timedelta(days=1)}{words}"


def _options(need: External) -> Iterator[str]:
    if not need.current:
        yield f" --version {need.version}"
    if need.apart:
        yield f" --step {need.step}"
