"""What does docs/reference/bigquery-sql.md say? Its table is the one that the tests run."""

from __future__ import annotations

from augury.sql.bigquery.builders import BUILDERS
from augury.sql.bigquery.catalogue import REFUSED
from augury.testing.bigquery_queries import Case, cases
from augury.testing.bigquery_queries.cases import FILES

OPENING = """\
With `dialect: bigquery` a project is written in BigQuery SQL. On BigQuery it runs as it is; on DuckDB it is translated.
Every line below is a query with small tables and its answer, taken from Google's documentation, that the tests run on
DuckDB. What would give another answer is refused, with the line and the column, before anything runs.

- **same answer**: the tests compare rows, and where they matter names, types and order of columns.
- **fails on both**: BigQuery stops such a query with an error, and so does DuckDB.
- **refused**: it is not translated; the message says what to write instead.
- **gap**: it runs, or stops in the engine, and differs; known, tested, and not promised.

Sessions have the time zone UTC. A `TIMESTAMP` is DuckDB's `TIMESTAMP WITH TIME ZONE`, a `DATETIME` its `TIMESTAMP`,
`NUMERIC` is `DECIMAL(38, 9)`. One SELECT is translated at a time: no scripts, no DML. What is approximate in BigQuery
(`APPROX_QUANTILES`, `APPROX_COUNT_DISTINCT`, `APPROX_TOP_COUNT`) is exact on DuckDB.
"""


def page(note: str = "") -> str:
    """The whole page; `note` is what the generator writes under the headline of each."""
    found = list(cases())
    out = [f"# BigQuery SQL on DuckDB\n\n{note}{OPENING}"]
    for group, heading in FILES.items():
        out.append(f"\n## {heading}\n\n| construct | on DuckDB | query |\n|---|---|---|\n")
        out += [_row(case) for case in found if case.group == group]
    out.append(f"\n## Functions\n\nTranslated: {', '.join(f'`{name}`' for name in sorted(BUILDERS))}.\n\n")
    out.append("| refused | instead |\n|---|---|\n")
    for advice in dict.fromkeys(REFUSED.values()):
        names = ", ".join(f"`{name}`" for name, text in REFUSED.items() if text == advice)
        out.append(f"| {names} | {advice} |\n")
    return "".join(out)


def _row(case: Case) -> str:
    return f"| {_cell(case.name)} | {_outcome(case)} | <code>{_code(case.sql)}</code> |\n"


def _outcome(case: Case) -> str:
    if case.gap:
        return f"gap: {_cell(case.gap)}"
    if case.refused:
        return "refused"
    return "fails on both" if case.fails else "same answer"


def _cell(text: str) -> str:
    for mark in "|*_<>":
        text = text.replace(mark, f"&#{ord(mark)};")
    return text


def _code(sql: str) -> str:
    """On one line; characters with a meaning in Markdown or HTML as entities."""
    text = " ".join(sql.split()).replace("&", "&amp;")
    for mark in "<>|`*_[]{}\\$":
        text = text.replace(mark, f"&#{ord(mark)};")
    return text
