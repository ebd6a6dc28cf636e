"""Does every how-to do what it shows? A file of its own, so that it runs beside the longer stories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.snippets import NEEDS_POSTGRES, pages, perform

PAGES = [page for page in pages() if page.parent.name == "how-to"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_how_to_does_what_it_shows(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text("utf-8")
    environment = {"AUGURY_LEDGER": request.getfixturevalue("postgres")} if NEEDS_POSTGRES in text else {}
    assert perform(text, tmp_path, environment) == []


def test_every_how_to_but_one_runs() -> None:
    """Writing an adapter takes more than a page; everything else is typed."""
    written = {page.stem for page in PAGES[0].parent.glob("*.md")}
    assert written - {page.stem for page in PAGES} == {"write-an-adapter"}
