"""What the tests of this room share: one pipeline, its run values, and short ways to compile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from augury.errors import Problem, SpecError
from augury.spec.files import Macros, SqlFile
from augury.sql.compiled import CompiledSql, RunValues
from augury.sql.compiler import Compiler, TemplateFacts
from augury.sql.relations import Relation

FACTS = TemplateFacts(
    pipeline="ltv",
    version="v2",
    target="dev",
    namespace="shop_dev",
    variables={},
    sources=("orders", "items"),
    steps=("extract", "prepare", "filter", "label", "recent", "predict", "post_process", "validation"),
    references=("prices",),
)
VALUES = RunValues(
    run_date=date(2026, 1, 15),
    cutoff=datetime(2026, 1, 14, 23, tzinfo=UTC),
    previous_cutoff=datetime(2026, 1, 13, 23, tzinfo=UTC),
    horizon_end=datetime(2026, 4, 14, 22, tzinfo=UTC),
)


def on(day: date) -> RunValues:
    """The values of another run date."""
    moved = day - VALUES.run_date
    return replace(VALUES, run_date=day, cutoff=VALUES.cutoff + moved)


def days(count: int) -> list[date]:
    return [VALUES.run_date + timedelta(days=at) for at in range(count)]


def macros(*texts: str) -> Macros:
    return Macros(tuple(SqlFile(f"macros/m{at}.sql", text) for at, text in enumerate(texts)))


def compiled(
    text: str,
    *,
    step: str = "prepare",
    macro: str = "",
    values: RunValues = VALUES,
    facts: TemplateFacts = FACTS,
    **variables: Any,
) -> CompiledSql:
    compiler = Compiler(macros(macro) if macro else Macros(), "duckdb")
    facts = replace(facts, variables={**facts.variables, **variables})
    return compiler.compile(step, SqlFile(f"pipelines/ltv/{step}.sql", text), facts, values)


def name_of(relation: Relation) -> str:
    return f"({relation})"


def bound(text: str, **options: Any) -> str:
    """The SQL of 15 January, each relation as its own name in parentheses."""
    return compiled(text, **options).bind(options.get("values", VALUES), name_of)


def problems(text: str, **options: Any) -> list[Problem]:
    with pytest.raises(SpecError) as caught:
        compiled(text, **options)
    return list(caught.value.problems)


def complaint(text: str, **options: Any) -> str:
    """The only problem of a template, as people read it, without the folder."""
    (problem,) = problems(text, **options)
    return str(problem).removeprefix("pipelines/ltv/")
