"""What is told while a run works."""

from __future__ import annotations

import json

import pytest

from augury.cli.narrator import Narrator, log_line, summary
from augury.cli.streams import Streams
from augury.events import DateFinished, ModelTrained, Noticed, RunFinished, RunStarted, StepFinished
from tests.unit.cli.values import DAY, RUN, days

STARTED = RunStarted(RUN, "ltv", "v1", "augury backfill ltv", days(31), 31, to_build=days(30), parallel=2)
STEP = StepFinished(RUN, "ltv", DAY, "prepare", "succeeded", 604, 0.03)


def told(capsys: pytest.CaptureFixture[str], *events: object, verbosity: int = 0, as_logs: bool = False) -> str:
    streams = Streams({})
    streams.as_logs = as_logs
    narrator = Narrator(streams, verbosity, counting="dates")
    for event in events:
        narrator(event)  # type: ignore[arg-type]
    narrator.close()
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_m_a_backfill_echoes_what_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, STARTED) == (
        "31 dates: 1998-01-15 to 1998-02-14 (end excluded), 30 to build, 1 up to date; 2 at a time\n"
    )


def test_steps_are_told_to_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, STEP) == ""
    assert told(capsys, STEP, verbosity=1) == "ltv 1998-01-15  prepare  succeeded   604 rows   0.03 s\n"


def test_dates_are_told_to_those_who_ask_because_their_errors_come_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = DateFinished(RUN, "ltv", DAY, "failed", detail="no column totl")
    assert told(capsys, failed) == ""
    assert told(capsys, failed, verbosity=1) == "ltv 1998-01-15  failed   no column totl\n"


def test_notices_name_their_place_and_keep_tracebacks_for_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, Noticed(RUN, "ltv", "late rows", DAY, "prepare")) == (
        "note: ltv / 1998-01-15 / prepare: late rows\n"
    )
    trace = Noticed(RUN, "ltv", "Traceback (most recent call last):\n  File ...")
    assert told(capsys, trace) == ""
    assert "Traceback" in told(capsys, trace, verbosity=2)


def test_a_trained_model_says_how_good_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    good = ModelTrained(RUN, "ltv", DAY, 3, True, "MAE 21.4, gate <= 40 ok")
    assert told(capsys, good) == ""
    assert told(capsys, good, verbosity=1) == "trained ltv@3 as of 1998-01-15: MAE 21.4, gate <= 40 ok\n"


def test_h_a_model_that_failed_its_gate_is_told_to_everybody(capsys: pytest.CaptureFixture[str]) -> None:
    bad = ModelTrained(RUN, "ltv", DAY, 4, False, "MAE 41.2, gate <= 40 not met")
    assert told(capsys, bad) == "not used ltv@4 as of 1998-01-15: MAE 41.2, gate <= 40 not met\n"


def test_log_lines_carry_pipeline_date_step_and_run(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.loads(line) for line in told(capsys, STARTED, STEP, as_logs=True).splitlines()]
    assert lines[1]["run_id"] == RUN
    assert (lines[1]["pipeline"], lines[1]["date"], lines[1]["step"]) == ("ltv", "1998-01-15", "prepare")
    assert lines[1]["extra"]["rows"] == 604


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (STEP, "info"),
        (DateFinished(RUN, "ltv", DAY, "held"), "warning"),
        (DateFinished(RUN, "ltv", DAY, "failed"), "error"),
        (Noticed(RUN, "ltv", "late rows"), "warning"),
        (RunFinished(RUN, "ltv", "succeeded", 1.0), "info"),
    ],
)
def test_levels_follow_what_happened(event: StepFinished, level: str) -> None:
    assert log_line(event)["level"] == level


def test_counts_add_up() -> None:
    counts = {"succeeded": 27, "held": 1, "skipped: empty": 2, "up to date": 1}
    assert summary(counts) == "27 published, 1 held, 0 failed, 2 skipped: empty, 1 up to date"


def test_the_run_that_began_last_is_known() -> None:
    narrator = Narrator(Streams({}))
    assert narrator.run_id is None
    narrator(STARTED)
    assert narrator.run_id == RUN
