"""Does a plan say beforehand which dates nobody will score? (H5, K2)"""

from __future__ import annotations

from tests.cli_runner import called, refused, worked
from tests.projects import Shop
from tests.tiny import SPEND

SPAN = ("--start", "2024-01-29", "--end", "2024-01-31")
SAID = "2024-01-29 to 2024-01-30 (2 dates) will be held: no champion: "


def planned(shop: Shop) -> tuple[list[str], str]:
    """Dates that the plan calls held, in JSON, and the whole text."""
    document = worked(called("plan", "spend", *SPAN, "--output", "json", folder=shop.root)).document
    text = worked(called("plan", "spend", *SPAN, folder=shop.root)).out
    assert all(note in text for note in document["explanation"]["notes"])
    return document["plan"]["held"], text


def test_a_date_whose_models_all_failed_their_gate_is_planned_as_held(spend: Shop) -> None:
    """As long as a training is to come, nothing is decided."""
    spend.edit(f"{SPEND}/pipeline.yml", "model:", "model:\n  gate: {mean_absolute_error: '<= 0.0001'}")
    held, text = planned(spend)
    assert held == []
    assert "held" not in text
    refused(called("run", "spend", *SPAN, folder=spend.root), 3, "no champion")
    held, text = planned(spend)
    assert held == ["2024-01-29", "2024-01-30"]
    assert SAID + "no model passed its gate; the newest, model" in text
    refused(called("run", "spend", *SPAN, folder=spend.root), 3, "no champion")


def test_without_a_schedule_and_without_a_training_the_dates_are_planned_as_held(spend: Shop) -> None:
    spend.edit(f"{SPEND}/pipeline.yml", 'schedule: "0 3 * * 1", ', "")
    held, text = planned(spend)
    assert held == ["2024-01-29", "2024-01-30"]
    assert SAID + "no model has been trained at or before this date" in text
    refused(called("run", "spend", *SPAN, folder=spend.root), 3, "no champion")
    worked(called("train", "spend", "--date", "2024-01-29", folder=spend.root))
    assert planned(spend)[0] == []


def test_a_date_that_has_no_rows_to_score_is_not_called_held(spend: Shop) -> None:
    """Its features are known to be empty, so it is skipped before anybody asks for a champion."""
    spend.edit(f"{SPEND}/pipeline.yml", 'schedule: "0 3 * * 1", ', "")
    spend.write(f"{SPEND}/filter.sql", "select customer_id from {{ ref('prepare') }} where spent < 0")
    worked(called("run", "spend", *SPAN, "--step", "filter", folder=spend.root))
    assert planned(spend)[0] == []
    run = worked(called("run", "spend", *SPAN, "--output", "json", folder=spend.root)).document["run"]
    assert run["counts"] == {"skipped: no population": 2}
