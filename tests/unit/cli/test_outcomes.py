"""Dates that were not published: what is said about them, and what to do."""

from __future__ import annotations

from augury.cli.failures import text_of
from augury.cli.render.outcomes import SHOWN, Around, problems
from augury.errors import DataRefused, ExitCode, Held, Locked, Owner, Place, QueryRefused
from augury.ledger.records import Status
from augury.run.checks import ChecksFailed, FailedCheck
from augury.run.outcome import DateOutcome
from tests.unit.cli.values import DAY, days, result_of

AROUND = Around("ltv", "ltv_predictions_staging", "augury run ltv", latest=days(1)[0])


def failed(day: object, *, step: str = "prepare", what: str = "no column totl") -> DateOutcome:
    error = QueryRefused(what, where=Place(pipeline="ltv", date=str(day), step=step), fix="Fix the SQL.")
    return DateOutcome(day, Status.FAILED, detail=what, error=error)  # type: ignore[arg-type]


def test_a_failed_date_says_that_nothing_was_published_and_what_to_type() -> None:
    (error,) = problems(result_of(failed(DAY)), AROUND)
    assert text_of(error) == (
        "ltv / 1998-01-15 / prepare: no column totl\n"
        "  Nothing was published. Fix the SQL, then: augury run ltv --date 1998-01-15"
    )


def test_a_spelling_stands_beside_the_line_that_it_is_about() -> None:
    where = Place("ltv", str(DAY), "prepare", "pipelines/ltv/prepare.sql", 7)
    error = QueryRefused("no column totl", where=where, fix="Did you mean 'total'?")
    (shown,) = problems(result_of(DateOutcome(DAY, Status.FAILED, error=error)), AROUND)
    assert text_of(shown).splitlines()[1:] == [
        "  pipelines/ltv/prepare.sql:7   Did you mean 'total'?",
        "  Nothing was published. Fix the SQL, then: augury run ltv --date 1998-01-15",
    ]


def test_k_a_held_date_names_its_checks_and_how_to_publish_anyway() -> None:
    held = ChecksFailed([FailedCheck("average_in_range", "false", "avg(predicted_revenue) is 32.4")], 4)
    held.at(Place(pipeline="ltv", date=str(DAY)))
    (error,) = problems(result_of(DateOutcome(DAY, Status.HELD, error=held)), AROUND)
    assert isinstance(error, Held)
    lines = text_of(error).splitlines()
    assert lines[0] == "ltv / 1998-01-15 / validate: 1 of 4 checks is not true"
    assert lines[1] == "  average_in_range   false   avg(predicted_revenue) is 32.4"
    assert lines[2].startswith("  Nothing was published; 1998-01-15 stays the latest. Look: augury query")
    assert "augury run ltv --date 1998-01-15 --accept average_in_range" in lines[3]


def test_dates_with_the_same_error_are_told_together() -> None:
    result = result_of(*(failed(day) for day in days(30)))
    (error,) = problems(result, AROUND)
    assert str(error.where) == "ltv / 1998-01-15, 1998-01-16, 1998-01-17 and 27 more / prepare"
    assert error.fix == "Nothing was published. Fix the SQL, then: augury retry ltv"
    assert result.outcomes[0].error is not None
    assert result.outcomes[0].error.fix == "Fix the SQL."  # the result itself is left alone


def test_many_different_errors_are_counted() -> None:
    result = result_of(*(failed(day, what=f"problem {at}") for at, day in enumerate(days(9))))
    shown = problems(result, AROUND)
    assert len(shown) == SHOWN + 1
    assert shown[-1].what == "4 more different errors"


def test_a_blocked_date_says_what_it_waited_for() -> None:
    (error,) = problems(result_of(DateOutcome(DAY, Status.BLOCKED, detail="1998-01-14 failed")), AROUND)
    assert error.what == "blocked: 1998-01-14 failed"
    assert error.exit_code is ExitCode.FAILED


def test_causes_stand_before_what_they_blocked() -> None:
    blocked = [DateOutcome(day, Status.BLOCKED, detail=f"training of tick {day} failed: no rows") for day in days(20)]
    cause = DataRefused("no rows", where=Place(pipeline="ltv", date="1998-01-01", step="train"))
    first, second = problems(result_of(*blocked, failures=(cause,)), AROUND)
    assert (first.what, str(first.where)) == ("no rows", "ltv / 1998-01-01 / train")
    assert str(second.where) == "ltv / 1998-01-15, 1998-01-16, 1998-01-17 and 17 more"
    assert second.fix == "Nothing was published. Mend the cause, then: augury retry ltv"


def test_a_locked_date_names_its_owner_and_nothing_more() -> None:
    locked = Locked("another run owns it", Owner("box", 42, "1998-01-15T06:00:00Z"))
    (error,) = problems(result_of(DateOutcome(DAY, Status.LOCKED, error=locked)), AROUND)
    assert "Nothing was" not in text_of(error)
    assert "box, pid 42" in text_of(error)


def test_errors_outside_the_dates_are_told_as_they_are() -> None:
    training = DataRefused("the training set is empty")
    result = result_of(failures=(training,))
    (error,) = problems(result, AROUND)
    assert (str(error.where), error.what, error.fix) == ("ltv", "the training set is empty", None)


def test_dates_that_went_well_are_no_problem() -> None:
    outcomes = [DateOutcome(DAY, Status.SUCCEEDED), DateOutcome(DAY, Status.SKIPPED_EMPTY)]
    assert problems(result_of(*outcomes), AROUND) == []
