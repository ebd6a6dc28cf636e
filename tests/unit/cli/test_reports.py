"""One answer in four forms."""

from __future__ import annotations

import json

import pytest

from augury.cli.reports import Form, Report, show
from augury.cli.streams import Streams

REPORT = Report(
    document={"models": [{"number": 3}]},
    columns=("number", "note"),
    records=[{"number": 3, "note": None}, {"number": 4, "note": 'a "b", c'}],
    text="a table",
    next="Next: augury ls",
)


@pytest.mark.parametrize(
    ("form", "out", "err"),
    [
        ("text", "a table\n", "Next: augury ls\n"),
        ("json", '{"version": 1, "models": [{"number": 3}]}\n', ""),
        ("ndjson", '{"number": 3, "note": null}\n{"number": 4, "note": "a \\"b\\", c"}\n', ""),
        ("csv", 'number,note\n3,\n4,"a ""b"", c"\n', ""),
    ],
)
def test_each_form_holds_data_alone(form: Form, out: str, err: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(Streams({}), form, REPORT)
    assert tuple(capsys.readouterr()) == (out, err)


def test_a_document_says_which_form_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    show(Streams({}), "json", REPORT)
    assert json.loads(capsys.readouterr().out)["version"] == 1
