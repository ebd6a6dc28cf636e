"""What reaches the two streams, and in which order and colour."""

from __future__ import annotations

import io
import json
import sys

import pytest

from augury.cli.streams import Streams, wants_colour
from augury.spec.secrets import Masker


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "refused", "terminal", "colour"),
    [
        ({}, False, True, True),
        ({}, False, False, False),
        ({"NO_COLOR": "1"}, False, True, False),
        ({"NO_COLOR": ""}, False, True, True),  # empty counts as absent: no-color.org
        ({"TERM": "dumb"}, False, True, False),
        ({"FORCE_COLOR": "1"}, False, False, True),
        ({"FORCE_COLOR": "0"}, False, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, True, False),
        ({"FORCE_COLOR": "1"}, True, True, False),  # --no-color wins over all
    ],
)
def test_when_there_are_colours(environment: dict[str, str], refused: bool, terminal: bool, colour: bool) -> None:
    assert wants_colour(Terminal() if terminal else io.StringIO(), environment, refused=refused) is colour


def test_data_goes_to_stdout_and_narration_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    streams = Streams({})
    streams.data("a table")
    streams.note("Next: augury ls")
    out, err = capsys.readouterr()
    assert (out, err) == ("a table\n", "Next: augury ls\n")


def test_quiet_leaves_results_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    streams = Streams({})
    streams.quiet = True
    streams.data("a table")
    streams.note("Next: augury ls")
    streams.error_text("it failed", "error: ")
    out, err = capsys.readouterr()
    assert (out, err) == ("a table\n", "error: it failed\n")


def test_z_secrets_are_masked_on_both_streams(capsys: pytest.CaptureFixture[str]) -> None:
    streams = Streams({})
    streams.use(Masker(["hunter22"]))
    streams.data("the password is hunter22")
    streams.json({"password": "hunter22"})
    streams.error_text("hunter22 was refused")
    assert "hunter22" not in "".join(capsys.readouterr())


def test_z_before_the_project_is_read_the_environment_says_what_is_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Streams({"DB_PASSWORD": "hunter22", "PWD": "/home/ana"}).error_text("hunter22 in /home/ana")
    assert capsys.readouterr().err == "*** in /home/ana\n"


def test_no_escape_code_comes_out_of_data(capsys: pytest.CaptureFixture[str]) -> None:
    streams = Streams({"FORCE_COLOR": "1"})
    streams.data("\x1b[2Jgone")
    streams.json({"name": "\x1b[2J\x9b2J"})
    streams.log({"message": "\x1b[2J"})
    assert "\x1b" not in "".join(capsys.readouterr())


def test_the_head_of_an_error_has_colour_and_its_text_has_not(capsys: pytest.CaptureFixture[str]) -> None:
    Streams({"FORCE_COLOR": "1"}).error_text("\x1b[31mtext", "error: ")
    assert capsys.readouterr().err == "\x1b[1;31merror: \x1b[0m\\x1b[31mtext\n"


def test_narration_as_logs_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    streams = Streams({})
    streams.as_logs = True
    streams.note("two\nlines")
    line = json.loads(capsys.readouterr().err)
    assert line["message"] == "two\nlines"
    assert line["level"] == "info"


def test_a_stream_that_knows_only_ascii_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    streams = Streams({})
    streams.data("± 1.9")
    streams.json({"name": "Zoë"})
    streams.finish()
    assert raw.getvalue() == b'? 1.9\n{"name": "Zo\\u00eb"}\n'


def test_nothing_more_is_written_when_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    streams = Streams({})
    streams.data("first")
    streams.data("second")
    assert streams.closed
