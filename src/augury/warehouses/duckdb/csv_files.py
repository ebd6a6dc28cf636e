"""How is a CSV read so that every run date sees the same types?

The delimiter is taken from the header, and the types from every row of every file of the source: a sample, or
one file a day, would give a column another type from one date to the next. Finding them reads everything, so
it happens once per state of the files; each file is then kept as Parquet and the CSV is not parsed again.
Where nothing may be written (`read_only`) the CSV is scanned as it is, with the same types.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from augury.errors import AuguryError, Place, QueryRefused, StorageFailed, relative
from augury.names import quote
from augury.spec.columns import Column
from augury.warehouses.contract import TableColumn
from augury.warehouses.duckdb import drift, layout, refusals, types
from augury.warehouses.duckdb.connection import Engine
from augury.warehouses.duckdb.literals import literal, literals, parquet
from augury.warehouses.duckdb.source_files import SourceFile, signature

Columns = tuple[TableColumn, ...]
_DELIMITERS = ",;\t|"
_HEADER_BYTES = 65_536
_DIALECT = "header = true, skip = 0, quote = '\"', escape = '\"', comment = ''"
"""`skip = 0`: left to itself, DuckDB takes the first line that has as many fields as a broken later one for
the header and drops what is above it without a word."""
_LOSSY = {"INT64": ("FLOAT64", "DECIMAL"), "DATE": ("DATETIME", "TIMESTAMP"), "DATETIME": ("TIMESTAMP",)}
"""Declared types that DuckDB would reach by rounding 7.5 to 8 or by dropping an hour or an offset."""
_LOSSY_TEXT = {
    "INT64": "TRY_CAST({0} AS BIGINT) <> TRY_CAST({0} AS DECIMAL(38,9))",
    "DATE": "TRY_CAST({0} AS DATE) <> TRY_CAST({0} AS TIMESTAMP)",
    "DATETIME": "regexp_full_match({0}, '.*:.*([+-][0-9:]+|Z) *')",
}
"""The same for one text."""
_PARSER = 2
"""Counts changes of how CSV is read, so that files kept by an older augury are not used."""


def delimiter(path: Path) -> str:
    """The candidate that occurs most often in the header outside quotes; a comma where none does.

    Raises StorageFailed for a file without even a header, or that is not text.
    """
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            head = bytes(file.read(_HEADER_BYTES)).decode("utf-8-sig", errors="replace")
    except (OSError, EOFError) as error:
        raise StorageFailed(f"{path} cannot be read", why=str(error)) from error
    if not head.strip():
        raise StorageFailed(f"{path} is empty: a CSV needs at least a header")
    if "\0" in head:
        raise StorageFailed(f"{path} is not text, but a CSV is", fix="Save it as UTF-8, or as Parquet.")
    plain = re.sub(r'"(?:[^"]|"")*"', "", head).lstrip("\r\n")
    header = re.split(r"[\r\n]", plain, maxsplit=1)[0]
    return max(_DELIMITERS, key=header.count)


def scan(files: Sequence[Path], kinds: dict[str, str], *, detect: bool = True) -> str:
    """A table function over CSV files. `kinds` fixes engine types of columns by name."""
    if len(files) == 1:
        named, union = literal(files[0]), ""
    else:
        named, union = literals(files), ", union_by_name = true, files_to_sniff = -1"
    options = f"{_DIALECT}, delim = {literal(delimiter(files[0]))}"
    if kinds:
        pairs = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in kinds.items())
        options += f", types = {{{pairs}}}"
    sample = "sample_size = -1" if detect else "all_varchar = true"
    return f"read_csv({named}, {options}, {sample}, hive_partitioning = false{union})"


class CsvFiles:
    """Reads the CSV sources of one namespace."""

    def __init__(self, engine: Engine, project: Path, folder: Path | None) -> None:
        self._engine = engine
        self._project = project
        self._folder = folder
        """Where files are kept as Parquet; None where nothing may be written."""
        self._columns: dict[str, tuple[Columns, bool]] = {}
        self._lock = threading.Lock()

    def columns(self, files: Sequence[SourceFile], declared: dict[str, Column]) -> tuple[Columns, bool]:
        """Names and types of all files together, and whether these types are known: a header alone has none."""
        fixed = sorted((name, column.type) for name, column in declared.items())
        key = signature([str(_PARSER), str(fixed), *(file.signature for file in files)])
        with self._lock:
            if key not in self._columns:
                self._columns[key] = self._remembered(key) or self._found(key, files, declared)
            return self._columns[key]

    def _remembered(self, key: str) -> tuple[Columns, bool] | None:
        if self._folder is None:
            return None
        with suppress(OSError, ValueError, KeyError):
            found = json.loads((self._folder / f"{key}.json").read_text("utf-8"))
            return tuple(TableColumn(name, kind) for name, kind in found["columns"]), found["typed"]
        return None

    def _found(self, key: str, files: Sequence[SourceFile], declared: dict[str, Column]) -> tuple[Columns, bool]:
        paths = [file.path for file in files]
        columns = self._sniff(paths, declared)
        typed = self._typed(paths, columns, declared)
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                pairs = [[column.name, column.type] for column in columns]
                layout.replace(self._folder / f"{key}.json", {"columns": pairs, "typed": typed})
            except OSError as error:
                raise refusals.of_system(error, self._folder) from error
        return columns, typed

    def _typed(self, paths: list[Path], columns: Columns, declared: dict[str, Column]) -> bool:
        """False where a column has neither a declared type nor a row: DuckDB then calls each of them text."""
        told = {name.casefold() for name in declared}
        untold = [column for column in columns if column.name.casefold() not in told]
        if not untold or any(column.type != "STRING" for column in untold):
            return True
        return bool(self._engine.rows(f"SELECT 1 FROM {scan(paths, {}, detect=False)} LIMIT 1"))

    def _sniff(self, paths: list[Path], declared: dict[str, Column]) -> Columns:
        found = {name: types.canonical(kind) for name, kind in self._bind(paths)}
        by_key = {name.casefold(): name for name in found}
        where = relative(paths[0], self._project)
        missing = [name for name in declared if name.casefold() not in by_key]
        if missing:
            raise drift.missing_columns(where, missing, found, declared)
        fixed = {by_key[name.casefold()]: column.type for name, column in declared.items()}
        lost = {name: (wanted, found[name]) for name, wanted in fixed.items() if _loses(wanted, found[name])}
        if lost:
            raise drift.retyped_columns(where, lost)
        if any(found[name] != wanted for name, wanted in fixed.items()):
            # Reads everything once more: a value that is not of its declared type is named with its line.
            self._read_all(paths, {name: types.engine(wanted) for name, wanted in fixed.items()})
            self._lose_nothing(where, paths, {name: fixed[name] for name in fixed if found[name] == "STRING"})
        return tuple(TableColumn(name, fixed.get(name, kind)) for name, kind in found.items())

    def _read_all(self, paths: list[Path], kinds: dict[str, str]) -> None:
        listed = ", ".join(f"count({quote(name)})" for name in kinds)
        self._engine.rows(f"SELECT {listed} FROM {scan(paths, kinds)}")

    def _lose_nothing(self, where: str, paths: list[Path], mixed: dict[str, str]) -> None:
        """Columns of several kinds of values are text to DuckDB, and it casts each on its own, with
        losses."""
        checked = {name: _LOSSY_TEXT[wanted] for name, wanted in mixed.items() if wanted in _LOSSY_TEXT}
        if not checked:
            return
        asked = ", ".join(
            f"any_value({quote(name)}) FILTER ({lost.format(quote(name))})" for name, lost in checked.items()
        )
        texts = self._engine.rows(f"SELECT {asked} FROM {scan(paths, dict.fromkeys(checked, 'VARCHAR'))}")[0]
        lost = {name: (mixed[name], repr(text)) for name, text in zip(checked, texts, strict=True) if text is not None}
        if lost:
            raise drift.retyped_columns(where, lost)

    def _bind(self, paths: list[Path], *, detect: bool = True) -> list[tuple[str, str]]:
        try:
            bound = self._engine.bind(f"FROM {scan(paths, {}, detect=detect)}")
        except AuguryError as error:
            raise self._diagnosed(paths, error) from error
        return [(name, str(kind)) for name, kind in bound]

    def _diagnosed(self, paths: list[Path], error: AuguryError) -> AuguryError:
        """Detection gives up without saying where: reading everything as text names the line."""
        for path in paths:
            header = self._header(path)
            columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
            options = f"{_DIALECT}, delim = {literal(delimiter(path))}"
            try:
                self._engine.cursor.execute(
                    f"SELECT count(*) FROM read_csv({literal(path)}, {options}, auto_detect = false, "
                    f"columns = {{{columns}}})"
                ).fetchall()
            except self._engine.error as found:
                return _broken(path, refusals.read(found))
        if not isinstance(error, QueryRefused):
            return error.at(Place(file=str(paths[0])))
        return StorageFailed(
            f"{', '.join(map(str, paths[:3]))} cannot be read as CSV",
            why=error.what,
            fix="Every line has as many fields as the header, in quotes where a field holds the delimiter.",
        )

    def _header(self, path: Path) -> list[str]:
        import csv

        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
            names = next(csv.reader(file, delimiter=delimiter(path)), [])
        return [f"{name}#{place}" for place, name in enumerate(names)]

    def relation(self, files: Sequence[SourceFile], columns: Columns) -> str:
        """A table function over these files with the types of the whole source."""
        kinds = {column.name: types.engine(column.type) for column in columns}
        if self._folder is None:
            return scan([file.path for file in files], self._present(files, kinds))
        return parquet([self._kept(file, kinds) for file in files], by_name=len(files) > 1)

    def _present(self, files: Sequence[SourceFile], kinds: dict[str, str]) -> dict[str, str]:
        """Types of the columns that these files have: naming another one is an error in `read_csv`."""
        names = {name.casefold() for name, _ in self._bind([file.path for file in files], detect=False)}
        return {name: kind for name, kind in kinds.items() if name.casefold() in names}

    def _whole(self, file: SourceFile, kinds: dict[str, str]) -> str:
        """A file with all columns of its source: those that came later are NULL."""
        present = self._present([file], kinds)
        later = (f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in kinds.items() if name not in present)
        return f"SELECT {', '.join(['*', *later])} FROM {scan([file.path], present)}"

    def _kept(self, file: SourceFile, kinds: dict[str, str]) -> Path:
        """The Parquet of one CSV file, made now if it is not there yet."""
        assert self._folder is not None
        name = signature([str(_PARSER), file.signature, json.dumps(sorted(kinds.items()))])
        path = self._folder / f"{name}.parquet"
        with self._lock:
            with suppress(FileNotFoundError):
                os.utime(path)  # in use: `sweep` leaves it alone
                return path
            draft = layout.temporary(self._folder)
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._engine.cursor.execute(
                    f"COPY ({self._whole(file, kinds)}) TO {literal(draft)} (FORMAT parquet, COMPRESSION snappy)"
                ).fetchall()
                draft.replace(path)
            except self._engine.error as error:
                raise _broken(file.path, refusals.read(error)) from error
            except OSError as error:
                raise refusals.of_system(error, self._folder) from error
            finally:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
        return path


def _loses(declared: str, found: str) -> bool:
    return found.startswith(_LOSSY.get(declared, ()))


def _broken(path: Path, found: refusals.Complaint) -> AuguryError:
    return refusals.csv_broken(found, str(path)) or StorageFailed(f"{path} cannot be read", why=found.sentence)
