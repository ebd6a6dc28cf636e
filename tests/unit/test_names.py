"""Names that may be pasted, names that are quoted, and the tables of a pipeline (T3)."""

from __future__ import annotations

import pytest

from augury.names import ENGINE_STEPS, NAMED_STEPS, VERSION, TableNames, is_name, quote


@pytest.mark.parametrize("name", ["ltv", "a", "rfm_2", "x" * 63])
def test_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "Ltv", "2ltv", "_ltv", "l-tv", "l tv", "ltv\n", "ltv;drop", "ltv.x", 'l"tv', "größe", "x" * 64, "../up"],
)
def test_whatever_could_leave_its_place_is_not_a_name(name: str) -> None:
    assert not is_name(name)


def test_a_quote_inside_a_quoted_name_is_doubled() -> None:
    assert quote('a"; drop table x --') == '"a""; drop table x --"'
    with pytest.raises(ValueError, match="NUL"):
        quote("a\x00b")


def test_tables_carry_deployment_pipeline_and_version_t3() -> None:
    names = TableNames("ltv", "v2", "acme")
    assert (names.step("prepare"), names.step("prepare", training=True)) == (
        "acme_ltv_v2_prepare",
        "acme_ltv_v2_train_prepare",
    )
    assert (names.staging, names.predictions) == ("acme_ltv_v2_predictions_staging", "acme_ltv_v2_predictions")


def test_what_consumers_read_has_no_version_in_its_name_h2() -> None:
    for version in ("v1", "v2"):
        names = TableNames("ltv", version)
        assert (names.current_predictions, names.current_staging, names.archive) == (
            "ltv_predictions",
            "ltv_predictions_staging",
            "ltv_archive",
        )


def test_no_step_name_is_both_a_file_and_augurys_own() -> None:
    assert not set(ENGINE_STEPS) & set(NAMED_STEPS)
    assert all(is_name(step) for step in (*ENGINE_STEPS, *NAMED_STEPS))


@pytest.mark.parametrize(
    ("text", "is_version"), [("v1", True), ("v20", True), ("v", False), ("V1", False), ("v1 ", False)]
)
def test_versions(text: str, is_version: bool) -> None:
    assert bool(VERSION.fullmatch(text)) is is_version
