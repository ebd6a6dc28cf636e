"""Does the published page show every case?"""

from __future__ import annotations

from augury.testing.bigquery_queries import cases
from docs.bigquery_page import page


def test_the_page_has_a_line_for_each_case() -> None:
    text = page("<!-- note -->\n\n")
    outcomes = ("| same answer |", "| fails on both |", "| refused |", "| gap: ")
    rows = [line for line in text.splitlines() if any(outcome in line for outcome in outcomes)]
    assert len([row for row in rows if "<code>" in row]) == len(list(cases()))
    assert text.index("<!-- note -->") < text.index("With `dialect: bigquery`")


def test_names_of_cases_are_used_once() -> None:
    names = [case.id for case in cases()]
    assert len(names) == len(set(names))
