"""Does the SQLite ledger keep the promises of every ledger, and is its schema what the migrations say?"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from augury.errors import CannotStart
from augury.ledger import incident_tables, tables
from augury.ledger.incident_records import Incident, Notice
from augury.ledger.migrations import upgrade
from augury.ledger.records import (
    DateRecord,
    Decision,
    Definition,
    ModelRecord,
    PartitionRecord,
    RunRecord,
    SourceDay,
    SourceProbe,
    StepRecord,
)
from augury.ledger.store import Ledger
from augury.testing.ledger_contract import LedgerContract
from augury.testing.records import DAY, NOON, a_date, a_run


class TestLedgerInAFile(LedgerContract):
    @pytest.fixture
    def open_ledger(self, path: Path) -> Callable[[], Ledger]:
        return lambda: Ledger.open(path)


class TestLedgerInMemory(LedgerContract):
    @pytest.fixture
    def open_ledger(self) -> Iterator[Callable[[], Ledger]]:
        ledger = Ledger.absent()
        yield lambda: ledger
        ledger.close()


# The schema


def schema_of(path: Path) -> list[tuple[Any, ...]]:
    """Tables, columns, keys and indexes as SQLite has them, apart from the spelling of the statements."""
    found: list[tuple[Any, ...]] = []
    raw = sqlite3.connect(path)
    for (table,) in raw.execute("select name from sqlite_master where type = 'table' order by 1").fetchall():
        found.append((table, *raw.execute("select * from pragma_table_info(?)", [table]).fetchall()))
        found.append((table, *raw.execute("select * from pragma_foreign_key_list(?)", [table]).fetchall()))
        indexes = raw.execute("select name, [unique], origin from pragma_index_list(?)", [table]).fetchall()
        found += [
            (*index, *raw.execute("select * from pragma_index_info(?)", index[:1]).fetchall())
            for index in sorted(indexes)
        ]
    raw.close()
    return found


def test_a_new_ledger_is_what_the_migrations_add_up_to(tmp_path: Path) -> None:
    Ledger.open(tmp_path / "new.db").close()
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()
    assert schema_of(tmp_path / "new.db") == schema_of(tmp_path / "migrated.db")
    assert schema_of(tmp_path / "new.db")


@pytest.mark.parametrize(
    ("table", "record", "more"),
    [
        (tables.runs, RunRecord, []),
        (tables.steps, StepRecord, ["position"]),
        (tables.dates, DateRecord, []),
        (tables.partitions, PartitionRecord, []),
        (tables.definitions, Definition, []),
        (tables.models, ModelRecord, []),
        (tables.decisions, Decision, []),
        (tables.source_probes, SourceProbe, []),
        (tables.source_days, SourceDay, []),
        (incident_tables.incidents, Incident, []),
        (incident_tables.notices, Notice, []),
    ],
)
def test_a_table_has_a_column_for_each_field(table: Any, record: Any, more: list[str]) -> None:
    assert sorted(table.columns.keys()) == sorted([item.name for item in fields(record)] + more)


def test_in_the_ledger_of_an_older_augury_everything_was_told(path: Path) -> None:
    """Or its hooks would be called for every date that it ever published."""
    path.parent.mkdir()
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        upgrade(connection, to="0003")
        connection.exec_driver_sql(
            "insert into dates values ('ltv', 'v1', '2026-01-15', 'succeeded', 'R1', ?, 10, 3, null, '')",
            ("2026-01-15T12:00:00.000000+00:00",),
        )
    engine.dispose()
    with Ledger.open(path) as ledger:
        assert ledger.date_records("ltv", "v1") == {DAY: a_date(data_date=None, told_at=NOON)}
        assert ledger.untold_dates("ltv", "v1") == []


def test_an_empty_file_becomes_a_ledger(path: Path) -> None:
    """The way of an older ledger: through the migrations."""
    path.parent.mkdir()
    path.touch()
    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run(), "{}")
    with Ledger.open(path) as ledger:
        assert ledger.run("R1") == a_run()


def test_a_ledger_of_a_newer_augury_is_refused(path: Path) -> None:
    Ledger.open(path).close()
    raw = sqlite3.connect(path)
    raw.execute("update alembic_version set version_num = '9999'")
    raw.commit()
    raw.close()
    before = path.read_bytes()
    with pytest.raises(CannotStart, match="newer augury") as caught:
        Ledger.open(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_opening_an_up_to_date_ledger_does_not_load_alembic(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from augury.ledger.store import Ledger\n"
        f"for _ in range(2): Ledger.open(Path({str(path)!r})).close()\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert path.exists()
