"""Validation in a few words."""

from __future__ import annotations

from augury.run.checks import ChecksFailed
from tests.projects import Shop


def validated(shop: Shop, checks: str) -> Shop:
    return shop.write("pipelines/ltv/validation.sql", checks)


def held_by(shop: Shop, start: str) -> list[tuple[str, str]]:
    """The checks that kept a date from being published, each with its value."""
    (outcome,) = shop.run("ltv", start).outcomes
    assert str(outcome.status) == "held"
    assert isinstance(outcome.error, ChecksFailed)
    return [(check.name, check.value) for check in outcome.error.failed]
