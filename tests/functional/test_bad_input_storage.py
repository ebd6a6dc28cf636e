"""What happens on a full disk, in a folder that cannot be written, and with files that were damaged?

Permissions bind root too here: the process gives up its right to override them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli_runner import called, limited, obeying, refused, rows, worked
from tests.projects import Shop
from tests.tiny import FEATURES, NAMESPACE, VISITS, data, everything

RUN = ("run", "visits", "--date", "2024-01-13")
PUBLISHED = [f"2024-01-{day}" for day in (10, 11, 12)]


def days(shop: Shop) -> list[str]:
    found = rows("select run_date as d, count(*) as n from visits_predictions group by 1 order by 1", shop.root)
    assert {row["n"] for row in found} == {12}
    return [row["d"] for row in found]


def leftovers(shop: Shop) -> list[Path]:
    return [path for path in (shop.root / NAMESPACE).rglob("*") if path.name.startswith(".tmp-")]


# -- a full disk ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 3_000, 20_000, 40_000])
def test_a_disk_that_is_full_publishes_nothing_and_the_next_run_is_whole(published: Shop, size: int) -> None:
    """Every file of more than `size` bytes fails: the ledger, its log, data or pointers, whichever comes first."""
    refused(limited(size, *RUN, folder=published.root), 1, "Published tables are not affected")
    assert days(published) in (PUBLISHED, [*PUBLISHED, "2024-01-13"])
    assert not leftovers(published)
    worked(called(*RUN, folder=published.root))
    assert days(published) == [*PUBLISHED, "2024-01-13"]


def test_a_partition_that_does_not_fit_on_the_disk_names_its_folder_and_keeps_the_last_good_one(
    published: Shop,
) -> None:
    big = "(select string_agg(md5((i + customer_id)::varchar), '') from range(20000) as t(i)) as noise"
    published.write(f"{VISITS}/prepare.sql", FEATURES.replace("count(*)", f"{big}, count(*)"))
    before = data(published.root / NAMESPACE)
    refused(
        limited(1_000_000, *RUN, folder=published.root),
        1,
        "visits / 2024-01-13 / prepare: cannot write",
        "visits_v1_prepare/run_date=2024-01-13",
        "File too large",
        "Nothing was replaced. Make room",
    )
    assert data(published.root / NAMESPACE) == before
    assert not leftovers(published)
    worked(called(*RUN, folder=published.root))
    assert days(published) == [*PUBLISHED, "2024-01-13"]


# -- folders that cannot be written --------------------------------------------------------------------------------


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    try:
        yield
    finally:
        for path in folders:
            path.chmod(0o755)


def test_a_read_only_namespace_is_named_and_nothing_is_written(published: Shop) -> None:
    before = everything(published.root / NAMESPACE)
    with read_only(published.root / NAMESPACE):
        said = refused(obeying(*RUN, folder=published.root), 1, "cannot be written", ".augury/dev")
    assert "Give this user write access" in said
    assert everything(published.root / NAMESPACE) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status"], "2024-01-12"),
        (["runs"], "3 published"),
        (["plan", "visits", "--date", "2024-01-13"], "prepare"),
        (["show", "visits", "--date", "2024-01-12"], "12 rows"),
        (["query", "select count(*) as n from visits_predictions"], "36"),
    ],
)
def test_whoever_may_only_read_can_look(published: Shop, words: list[str], said: str) -> None:
    with read_only(published.root / NAMESPACE):
        assert said in worked(obeying(*words, folder=published.root)).out


def test_a_first_run_where_nothing_can_be_made_names_the_folder(visits: Shop) -> None:
    with read_only(visits.root):
        refused(obeying(*RUN, folder=visits.root), 1, "cannot write", ".augury", "Permission denied")


def test_a_table_that_cannot_be_written_stops_its_date_alone(published: Shop) -> None:
    table = published.root / NAMESPACE / "visits_v1_predictions"
    with read_only(table):
        refused(obeying(*RUN, folder=published.root), 1, "visits / 2024-01-13 / publish", "cannot write", "Nothing was")
    assert days(published) == PUBLISHED
    worked(called(*RUN, folder=published.root))
    assert days(published) == [*PUBLISHED, "2024-01-13"]


@pytest.mark.parametrize("path", [".augury", ".augury/dev", "data/orders.csv/deep"])
def test_a_path_that_leads_through_a_file_is_named(visits: Shop, path: str) -> None:
    if path.startswith("data"):
        visits.edit("augury.yml", "dev: {path: .augury}", f"dev: {{path: {path}}}")
    else:
        visits.write(path, "not a folder")
    refused(called(*RUN, folder=visits.root), 1, "cannot write", path)


def test_a_folder_full_of_other_things_is_not_taken_for_a_namespace(visits: Shop) -> None:
    visits.write(".augury/dev/holiday.jpg", "x")
    refused(called(*RUN, folder=visits.root), 2, "is not a namespace of augury", "holiday.jpg")
    assert [path.name for path in (visits.root / NAMESPACE).iterdir()] == ["holiday.jpg"]


# -- damaged files -------------------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-60:-8] = b"\xff" * 52
    path.write_bytes(bytes(content))


def partition(shop: Shop, table: str, day: str) -> Path:
    return next((shop.root / NAMESPACE / table / f"run_date={day}").glob("*.parquet"))


@pytest.mark.parametrize("harm", [cut, empty, scribble])
def test_damaged_predictions_are_an_error_and_the_doctor_mends_them(
    published: Shop, harm: Callable[[Path], None]
) -> None:
    harm(partition(published, "visits_v1_predictions", "2024-01-11"))
    said = refused(called("query", "select sum(worth) from visits_predictions", folder=published.root), 1)
    assert "augury doctor" in said
    found = called("doctor", folder=published.root)
    assert found.code == 1
    assert "visits_v1_predictions: the data of 2024-01-11 is gone or damaged" in found.out
    assert "mended: visits_v1_predictions: " in called("doctor", "--fix", folder=published.root).out
    worked(called("run", "visits", "--date", "2024-01-11", folder=published.root))
    assert days(published) == PUBLISHED


@pytest.mark.parametrize("harm", [cut, empty])
def test_damaged_history_stops_the_dates_that_read_it_and_says_how_to_build_it_again(
    published: Shop, harm: Callable[[Path], None]
) -> None:
    published.edit(
        f"{VISITS}/post_process.sql",
        "ref('prepare') }}",
        "ref('prepare') }}\nwhere customer_id in (select customer_id from {{ history('prepare', days=2) }})",
    )
    harm(partition(published, "visits_v1_prepare", "2024-01-11"))
    said = refused(
        called(*RUN, folder=published.root),
        1,
        "visits / 2024-01-13 / post_process: the data of visits_v1_prepare of 2024-01-11 cannot be read",
        "augury clean visits --from 2024-01-11 --to 2024-01-12 --step prepare",
    )
    assert "Nothing was published." in said
    assert days(published) == PUBLISHED
    clean = ("clean", "visits", "--from", "2024-01-11", "--to", "2024-01-12", "--step", "prepare", "--yes")
    worked(called(*clean, folder=published.root))
    worked(called(*RUN, folder=published.root))
    assert days(published) == [*PUBLISHED, "2024-01-13"]


def test_a_damaged_pointer_is_named(published: Shop) -> None:
    pointer = published.root / NAMESPACE / "visits_v1_predictions/run_date=2024-01-11/live.json"
    pointer.write_text("{")
    refused(
        called("query", "select count(*) from visits_predictions", folder=published.root),
        1,
        "visits_v1_predictions/run_date=2024-01-11/live.json cannot be read",
    )
    worked(called("run", "visits", "--date", "2024-01-10", folder=published.root))
    called("doctor", "--fix", folder=published.root)
    worked(called("run", "visits", "--date", "2024-01-11", folder=published.root))
    assert days(published) == PUBLISHED


def test_a_file_that_is_gone_is_named(published: Shop) -> None:
    partition(published, "visits_v1_predictions", "2024-01-11").unlink()
    refused(
        called("query", "select count(*) from visits_predictions", folder=published.root),
        1,
        "visits_v1_predictions of 2024-01-11 cannot be read",
    )


@pytest.mark.parametrize("words", [["status"], ["run", "visits", "--date", "2024-01-13"], ["runs"]])
def test_a_ledger_that_is_none_is_named_and_left_alone(published: Shop, words: list[str]) -> None:
    ledger = published.root / NAMESPACE / "_ledger.db"
    ledger.write_bytes(b"this is not a database" * 400)
    before = data(published.root / NAMESPACE)
    refused(called(*words, folder=published.root), 1, "this is not a ledger", "_ledger.db", "Published tables are not")
    assert ledger.read_bytes() == b"this is not a database" * 400
    assert data(published.root / NAMESPACE) == before


def test_without_its_ledger_a_project_goes_on(published: Shop) -> None:
    """Published tables are what they were; the next run builds its date again."""
    for path in (published.root / NAMESPACE).glob("_ledger.db*"):
        path.unlink()
    assert days(published) == PUBLISHED
    worked(called(*RUN, folder=published.root))
    assert days(published) == [*PUBLISHED, "2024-01-13"]
