"""What becomes of rows that break a promise: drifted sources, duplicate keys, wrong types, missing values?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_runner import called, refused, rows, worked
from tests.projects import Shop
from tests.tiny import FEATURES, NAMESPACE, SPEND, VISITS, data, everything

RUN = ("run", "visits", "--date", "2024-01-13")


def csv(shop: Shop) -> str:
    return (shop.root / "data/orders.csv").read_text("utf-8")


def drifted(shop: Shop, text: str | bytes, *words: str) -> None:
    """The source is now `text`: a run says so, naming `words`, and writes nothing at all."""
    path = shop.root / "data/orders.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = everything(shop.root / NAMESPACE)
    refused(called(*RUN, folder=shop.root), 1, *words)
    assert everything(shop.root / NAMESPACE) == before


# -- sources -------------------------------------------------------------------------------------------------------


def test_a_source_that_lost_a_declared_column_is_named_before_any_write(published: Shop) -> None:
    drifted(
        published,
        csv(published).replace("amount", "amout", 1),
        "source orders: the columns of data/orders.csv changed",
        "column 'amount': expected FLOAT64, got no such column ('amout' is new)",
        "augury.yml",
    )


def test_a_source_that_lost_its_event_time_is_named_before_any_write(published: Shop) -> None:
    published.edit("augury.yml", "ordered_at: DATE REQUIRED, ", "")
    drifted(
        published,
        csv(published).replace("ordered_at", "ordered_on", 1),
        "source orders: event_time: the source has no column 'ordered_at'",
        "Did you mean 'ordered_on'?",
    )


def test_a_value_of_another_type_is_named_with_its_line_before_any_write(published: Shop) -> None:
    lines = csv(published).splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[0], "eleven", 1)
    drifted(
        published,
        "\n".join(lines) + "\n",
        "column 'customer_id': expected INT64, got 'eleven'",
        "data/orders.csv:6",
        "`columns` of the source in augury.yml",
    )


def test_a_date_that_does_not_exist_in_a_source_is_named_with_its_line(published: Shop) -> None:
    drifted(published, csv(published).replace("2024-01-04", "2024-01-34", 1), "'ordered_at'", "'2024-01-34'", ".csv:14")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda text: text.replace("\n3,", "\n3,3,", 1), ["data/orders.csv:", "Correct that line"]),
        (lambda text: text.replace(".5\n", ",\n", 3), ["data/orders.csv", "as many fields as the header"]),
        (lambda text: "", ["data/orders.csv is empty", "header"]),
        (lambda text: text.encode("utf-16"), ["data/orders.csv is not text"]),
        (lambda text: bytes(range(256)) * 20, ["data/orders.csv is not text"]),
        (lambda text: text.replace("amount", "\xe4mount", 1).encode("latin-1"), ["data/orders.csv", "UTF-8"]),
    ],
    ids=["one field too many", "a trailing comma", "empty", "utf-16", "binary", "latin-1"],
)
def test_a_file_that_is_no_csv_is_named(published: Shop, harm: object, words: list[str]) -> None:
    assert callable(harm)
    drifted(published, harm(csv(published)), *words)


def test_a_parquet_source_of_other_types_is_named_before_any_write(published: Shop) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    published.edit("augury.yml", "data/orders.csv", "data/orders.parquet")
    pq.write_table(
        pa.table({"customer_id": ["1", "2"], "ordered_at": ["2024-01-01", "2024-01-02"]}),
        published.root / "data/orders.parquet",
    )
    before = everything(published.root / NAMESPACE)
    said = refused(called(*RUN, folder=published.root), 1, "data/orders.parquet changed", "'amount'")
    assert "expected FLOAT64, got no such column" in said
    assert everything(published.root / NAMESPACE) == before


def test_a_broken_parquet_source_is_named(published: Shop) -> None:
    published.edit("augury.yml", "data/orders.csv", "data/orders.parquet")
    (published.root / "data/orders.parquet").write_bytes(b"PAR1 this is not Parquet")
    before = everything(published.root / NAMESPACE)
    refused(called(*RUN, folder=published.root), 1, "data/orders.parquet", "cannot be read")
    assert everything(published.root / NAMESPACE) == before


def test_a_source_with_a_header_alone_is_skipped_as_empty(published: Shop) -> None:
    published.write("data/orders.csv", "customer_id,ordered_at,amount\n")
    before = data(published.root / NAMESPACE)
    answer = worked(called(*RUN, folder=published.root))
    assert "skipped: empty" in answer.out
    after = data(published.root / NAMESPACE)
    assert {name: after[name] for name in before} == before


UNDECLARED = "    columns: {customer_id: INT64 REQUIRED, ordered_at: DATE REQUIRED, amount: FLOAT64}\n"


def test_a_header_alone_without_declared_columns_is_skipped_as_empty_and_taken_up_later_a7(visits: Shop) -> None:
    """All columns are text then, which no query over dates and amounts could be bound to."""
    visits.edit("augury.yml", UNDECLARED, "")
    full = csv(visits)
    visits.write("data/orders.csv", "customer_id,ordered_at,amount\n")
    why = "empty: source orders has a header and no rows; its columns are not declared"
    assert why in worked(called("plan", *RUN[1:], folder=visits.root)).out
    assert f"skipped: {why}" in worked(called(*RUN, folder=visits.root)).out
    assert visits.statuses("visits") == {"2024-01-13": "skipped: empty"}
    assert data(visits.root / NAMESPACE) == {}
    worked(called(*RUN, folder=visits.root))
    assert len(visits.runs()) == 1  # nothing was left to do
    (visits.root / "data/orders.csv").unlink()
    assert "skipped: missing" in worked(called(*RUN, folder=visits.root)).out
    visits.write("data/orders.csv", full)
    assert "published" in worked(called(*RUN, folder=visits.root)).out
    assert visits.statuses("visits") == {"2024-01-13": "succeeded"}


def test_a_source_that_lost_all_its_rows_removes_nothing_a7(published: Shop) -> None:
    published.edit("augury.yml", UNDECLARED, "")
    worked(called("run", "visits", "--date", "2024-01-12", folder=published.root))
    before = rows("select * from visits_predictions order by all", published.root)
    published.write("data/orders.csv", "customer_id,ordered_at,amount\n")
    worked(called("run", "visits", "--date", "2024-01-12", folder=published.root))
    assert "skipped: empty" in worked(called(*RUN, folder=published.root)).out
    assert rows("select * from visits_predictions order by all", published.root) == before


def test_a_label_of_a_header_alone_says_what_to_declare(spend: Shop) -> None:
    spend.edit("augury.yml", "targets:", "  returns: {path: data/returns.csv, event_time: at}\ntargets:")
    spend.edit(f"{SPEND}/label.sql", "outcome('orders')", "outcome('returns')")
    spend.write("data/returns.csv", "customer_id,at,amount\n")
    words = ("source 'returns' has a header and no rows", "sources.returns.columns in augury.yml")
    refused(called("run", "spend", "--date", "2024-01-29", folder=spend.root), 1, *words)


def test_c1_a_null_in_a_required_column_of_a_source_is_named_before_any_write(published: Shop) -> None:
    """Customer 3 of 10 and 13 January lost its number: dates that see such a row fail, the others do not."""
    text = csv(published)
    for gone in ("3,2024-01-10,", "3,2024-01-13,"):
        assert gone in text
        text = text.replace(gone, gone[1:])
    published.write("data/orders.csv", text)
    before = data(published.root / NAMESPACE)
    refused(
        called(*RUN, folder=published.root),
        1,
        "visits / 2024-01-13 / prepare: source 'orders': a REQUIRED column is NULL",
        "data/orders.csv",
        "customer_id in 1 row that this date may see, e.g. ordered_at 2024-01-10, amount",
        "Nothing was replaced.",
    )
    assert data(published.root / NAMESPACE) == before
    two = called("run", "visits", "--date", "2024-01-14", folder=published.root)
    refused(two, 1, "customer_id in 2 rows that this date may see")
    worked(called("run", "visits", "--date", "2024-01-09", folder=published.root))


def test_c1_a_row_without_its_required_time_is_never_passed_over(published: Shop) -> None:
    published.write("data/orders.csv", csv(published) + "7,,3.5\n")
    refused(called(*RUN, folder=published.root), 1, "ordered_at in 1 row that this date may see, e.g. customer_id 7")


def test_what_a_plan_finds_it_says_too(published: Shop) -> None:
    published.write("data/orders.csv", csv(published).replace("amount", "amout", 1))
    refused(called("plan", *RUN[1:], folder=published.root), 1, "column 'amount'")


# -- keys, types, REQUIRED -----------------------------------------------------------------------------------------


@pytest.fixture
def kept(published: Shop) -> Shop:
    """A project whose next run shall publish nothing and keep what is published."""
    return published


def keeps(shop: Shop, *words: str) -> None:
    before = rows("select * from visits_predictions order by all", shop.root)
    refused(called(*RUN, folder=shop.root), 1, "visits / 2024-01-13 / ", *words, "Nothing was")
    assert rows("select * from visits_predictions order by all", shop.root) == before
    assert not list((shop.root / NAMESPACE / "visits_v1_predictions").glob("run_date=2024-01-13/*"))


def test_d3_duplicate_entities_are_named_with_samples(kept: Shop) -> None:
    kept.write(
        f"{VISITS}/prepare.sql",
        "select customer_id, 1 as visits, amount as spent from {{ source('orders') }} where ordered_at < '2024-01-05'",
    )
    keeps(
        kept,
        "visits_v1_prepare: 4 customer_id values with more than one row, 4 rows too many",
        "customer_id 3 (2 rows)",
        "Return one row per customer_id: GROUP BY or QUALIFY",
        f"{VISITS}/prepare.sql",
    )


def test_an_entity_that_is_null_is_named(kept: Shop) -> None:
    kept.edit(f"{VISITS}/prepare.sql", "select customer_id", "select nullif(customer_id, 3) as customer_id")
    keeps(kept, "column 'customer_id' is a key and NULL in 1 rows")


def test_a_missing_entity_column_is_named(kept: Shop) -> None:
    kept.edit(f"{VISITS}/prepare.sql", "select customer_id,", "select customer_id as customer,")
    keeps(kept, "key column 'customer_id' is not there")


def test_two_columns_of_one_name_are_named(kept: Shop) -> None:
    kept.write(f"{VISITS}/prepare.sql", FEATURES.replace("count(*) as visits", "count(*) as spent"))
    keeps(kept, "two columns are called 'spent'")


def test_c1_declared_columns_are_enforced_and_named(kept: Shop) -> None:
    with (kept.root / VISITS / "pipeline.yml").open("a") as file:
        file.write("steps: {post_process: {columns: {worth: INT64, nme: STRING REQUIRED}}}\n")
    keeps(
        kept,
        "visits_v1_predictions_staging",
        "column 'worth': expected INT64, got FLOAT64",
        "column 'nme': expected STRING, got no such column",
    )


def test_c1_a_null_in_a_required_column_is_named_with_its_count(kept: Shop) -> None:
    with (kept.root / VISITS / "pipeline.yml").open("a") as file:
        file.write("steps: {post_process: {columns: {worth: FLOAT64 REQUIRED}}}\n")
    kept.edit(f"{VISITS}/post_process.sql", "spent * ", "nullif(customer_id % 4, 1) * ")
    keeps(kept, "column 'worth' is REQUIRED and NULL in 3 rows")


def test_d4_duplicates_may_be_dropped_and_are_then_counted(published: Shop) -> None:
    with (published.root / VISITS / "pipeline.yml").open("a") as file:
        file.write("steps: {prepare: {duplicates: drop}}\n")
    published.write(
        f"{VISITS}/prepare.sql",
        "select customer_id, 1 as visits, amount as spent from {{ source('orders') }} where ordered_at < '2024-01-05'",
    )
    worked(called(*RUN, folder=published.root))
    assert rows("select count(*) as n from visits_predictions where run_date = '2024-01-13'", published.root) == [
        {"n": 12}
    ]
    logs = worked(called("logs", "visits", "--date", "2024-01-13", folder=published.root))
    assert "4 duplicates dropped" in logs.out


def test_an_unknown_column_type_is_named(visits: Shop) -> None:
    visits.edit("augury.yml", "amount: FLOAT64", "amount: FLOT64")
    refused(called("validate", folder=visits.root), 2, "augury.yml:7", "'FLOT64' is not a column type", "FLOAT64")


def test_a_failed_date_does_not_stop_the_others(published: Shop) -> None:
    published.edit(
        f"{VISITS}/prepare.sql",
        "count(*)",
        "count(*) + case when {{ run_date }} = date '2024-01-14' then cast('x' as integer) else 0 end",
    )
    answer = called("backfill", "visits", "--start", "2024-01-13", "--end", "2024-01-17", folder=published.root)
    refused(answer, 1, "visits / 2024-01-14 / prepare")
    days = rows("select distinct run_date as d from visits_predictions order by 1", published.root)
    assert [row["d"] for row in days] == [f"2024-01-{day}" for day in (10, 11, 12, 13, 15, 16)]


def test_nothing_is_left_beside_a_refused_partition(kept: Shop, tmp_path: Path) -> None:
    kept.write(f"{VISITS}/prepare.sql", "select 1 as customer_id, 1 as visits, 1.0 as spent from range(2)")
    refused(called(*RUN, folder=kept.root), 1, "customer_id 1 (2 rows)")
    assert not list((kept.root / NAMESPACE).rglob(".tmp-*"))
