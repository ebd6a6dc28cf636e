"""The past, as people read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from augury.cli.render.history import log_text, models_report, runs_report, span
from augury.cli.render.status import next_run, status_report
from augury.ledger.records import RunRecord, Status
from augury.operations.registry import ModelRow
from augury.operations.status import PipelineStatus
from tests.unit.cli.values import DAY, NOW, RUN, days, model

MADRID = "Europe/Madrid"
STATUS = PipelineStatus(
    pipeline="ltv",
    version="v1",
    strip=tuple(zip(days(4), (Status.SUCCEEDED, Status.SKIPPED_EMPTY, Status.HELD, None), strict=True)),
    latest=days(2)[-1],
    due=days(4)[-1],
    model=model(),
    next_run=datetime(1998, 1, 19, 6, tzinfo=ZoneInfo(MADRID)),
    zone=MADRID,
    stale_since=days(3)[-1],
)


def test_a_status_has_a_mark_for_each_date_and_says_what_marks_mean() -> None:
    lines = status_report([STATUS], 4, NOW).text.splitlines()
    assert lines[1].split()[:2] == ["ltv", "▇▁h·"]
    assert lines[3] == "h held   · not built   ▁ skipped"
    assert lines[4] == "ltv is stale since 1998-01-17; latest published: 1998-01-16"


def test_a_status_for_a_terminal_without_unicode_is_ascii() -> None:
    text = status_report([STATUS], 4, NOW, ascii_only=True).text
    assert text.isascii()
    assert "#_h." in text


@pytest.mark.parametrize(
    ("strip", "latest", "stale", "command"),
    [
        ((Status.HELD, None), DAY, days(2)[1], "augury retry ltv"),
        ((Status.SUCCEEDED, None), days(3)[2], days(4)[3], "augury run ltv --date 1998-01-18"),
        ((Status.SUCCEEDED, None), DAY, days(2)[1], "augury backfill ltv --start 1998-01-16 --end 1998-01-19"),
        ((None, None), None, None, "augury run ltv --date 1998-01-18"),
        ((Status.SUCCEEDED, Status.SUCCEEDED), days(4)[3], None, ""),
    ],
)
def test_a_status_ends_with_what_to_do(
    strip: tuple[Status | None, ...], latest: date | None, stale: date | None, command: str
) -> None:
    status = replace(STATUS, strip=tuple(zip(days(2), strip, strict=True)), latest=latest, stale_since=stale)
    assert status_report([status], 2, NOW).next.removeprefix("Next: ") == command


def test_versions_are_named_where_there_are_several() -> None:
    both = [replace(STATUS, version="v2"), replace(STATUS, current=False)]
    text = status_report(both, 4, NOW).text
    assert "ltv v2 (current)" in text
    assert "ltv v1 " in text


@pytest.mark.parametrize(
    ("at", "zone", "said"),
    [
        (datetime(1998, 1, 19, 5, tzinfo=UTC), MADRID, "Mon 06:00 Europe/Madrid (05:00 UTC)"),
        (datetime(1998, 2, 1, 5, tzinfo=UTC), MADRID, "1998-02-01 06:00 Europe/Madrid (05:00 UTC)"),
        (datetime(1998, 1, 19, 5, tzinfo=UTC), "UTC", "Mon 05:00 UTC"),
        (None, "UTC", "none"),
    ],
)
def test_s_the_next_run_is_told_in_its_own_zone_and_in_utc(at: datetime | None, zone: str, said: str) -> None:
    assert next_run(at, zone, NOW) == said


def test_runs_count_their_dates() -> None:
    run = RunRecord(
        run_id=RUN,
        pipeline="ltv",
        version="v1",
        target="dev",
        command="augury backfill ltv",
        first_date=DAY,
        last_date=days(31)[-1],
        status=Status.SUCCEEDED,
        started_at=NOW,
        host="box",
        pid=42,
        user="ana",
        augury_version="0.1.0",
        finished_at=NOW + timedelta(seconds=72),
        counts={"succeeded": 30, "held": 1, "failed": 0},
    )
    report = runs_report([run])
    line = report.text.splitlines()[1]
    for told in (RUN, "1998-01-15 to 1998-02-14", "30 published, 1 held  ", "1998-01-16 09:30:00", "1 min 12 s", "ana"):
        assert told in line
    assert report.records[0]["seconds"] == 72


def test_nothing_yet_says_what_to_type() -> None:
    assert runs_report([], "augury plan ltv --date 1998-01-15").next == "Next: augury plan ltv --date 1998-01-15"
    assert models_report("ltv", [], "augury train ltv").next == "Next: augury train ltv"


def test_models_say_who_is_champion_and_why() -> None:
    rows = [ModelRow(model(2, passed=False), False, ""), ModelRow(model(3), True, "tick 1998-01-01")]
    report = models_report("ltv", rows, "augury train ltv")
    assert "not met" in report.text.splitlines()[1]
    assert "champion" in report.text.splitlines()[2]
    assert report.text.rstrip().endswith("(tick 1998-01-01)")
    assert [record["champion"] for record in report.records] == [False, True]


def test_a_line_of_a_log_names_its_place() -> None:
    line = {
        "time": "1998-01-16T09:30:00.123Z",
        "level": "info",
        "pipeline": "ltv",
        "date": "1998-01-15",
        "step": "prepare",
        "message": "prepare succeeded",
    }
    assert log_text(line) == "1998-01-16 09:30:00  info     ltv / 1998-01-15 / prepare  prepare succeeded"


def test_spans_are_told_with_both_ends() -> None:
    assert [span(None, None), span(DAY, DAY), span(*days(2))] == ["", "1998-01-15", "1998-01-15 to 1998-01-16"]
