"""How are tables handed to somebody else? As plain Parquet in a folder that belongs to no target.

    <folder>/<table>/YYYY-MM-DD.parquet      one file per live partition; all.parquet for a table that is one whole

Files are copied, not linked: whoever opens a copy to write must not reach what is published. Each appears under its
name in one step, and copying again replaces it. Of a warehouse that keeps no files the rows are read instead.
"""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from augury.errors import NamespaceError, StorageFailed, UsageError, nearest
from augury.ledger.records import Decision
from augury.operations.changes import Change, counted
from augury.operations.opened import Opened
from augury.spec.files import ProjectSpec
from augury.sql.engine_sql import EngineSql
from augury.warehouses.contract import Partition, TableInfo

MARKER = "_namespace.json"
"""Stands in every namespace, and says whose it is."""


def copy(opened: Opened, pattern: str, to: str, dry_run: bool) -> tuple[Change, ...]:
    """Copy the tables and views whose names fit `pattern` (`ltv_*`) into the folder `to`: one Change per table.

    `to` is a path, relative to the project. Raises NamespaceError where it belongs to a target of this project or
    to any other namespace, UsageError where no table fits, StorageFailed where a file cannot be read or written.
    """
    known = opened.warehouse.tables()
    chosen = [info for info in known if fnmatch.fnmatchcase(info.name, pattern)]
    if not chosen:
        raise _nothing(pattern, [info.name for info in known])
    folder = _checked_folder(opened.spec, to, [info.name for info in chosen])
    copies = [_Copy(info.name, *_origin(opened, info), folder / info.name) for info in chosen]
    copies = [each for each in copies if each.partitions]
    if not dry_run:
        for each in copies:
            _perform(opened, each)
    return tuple(Change("copy", each.name, each.detail) for each in copies)


@dataclass(frozen=True)
class _Copy:
    name: str
    table: str
    """The table behind a view."""
    partitions: tuple[Partition, ...]
    folder: Path

    @property
    def detail(self) -> str:
        rows = sum(partition.rows for partition in self.partitions)
        return f"{counted(len(self.partitions), 'partition')}, {counted(rows, 'row')} to {self.folder}"


def _origin(opened: Opened, info: TableInfo) -> tuple[str, tuple[Partition, ...]]:
    table = (opened.warehouse.view(info.name) if info.kind == "view" else None) or info.name
    whole = opened.warehouse.partition(table, None)
    return table, (whole,) if whole else tuple(opened.warehouse.partitions(table).values())


def _perform(opened: Opened, each: _Copy) -> None:
    try:
        each.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"{each.folder} cannot be made", why=error.strerror) from error
    for partition in each.partitions:
        name = "all" if partition.day is None else partition.day.isoformat()
        target = each.folder / f"{name}.parquet"
        if Path(partition.path).is_absolute():
            _copy_file(partition, target, _again(opened, each.table, partition.day))
        else:
            _copy_rows(opened, each.table, partition, target)
    owner = next(
        (
            spec
            for versions in opened.spec.pipelines.values()
            for spec in versions.values()
            if each.table.startswith(f"{spec.tables.stem}_{spec.version}_") or each.table == spec.tables.archive
        ),
        None,
    )
    opened.ledger.decide(
        Decision(
            at=opened.clock(),
            who=opened.who.user,
            host=opened.who.host,
            action="copy",
            pipeline=owner.name if owner else "",
            version=owner.version if owner else "",
            subject=each.name,
            detail=each.detail,
        )
    )


def _again(opened: Opened, table: str, day: date | None) -> Callable[[], Partition | None]:
    return lambda: opened.warehouse.partition(table, day)


def _copy_rows(opened: Opened, table: str, partition: Partition, target: Path) -> None:
    """Of a warehouse that keeps no files: the rows stream through this process."""
    import pyarrow.parquet as parquet

    sql = EngineSql(opened.warehouse.features.dialect)
    day = f" WHERE run_date = {sql.value(partition.day)}" if partition.day else ""
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        with (
            opened.warehouse.query(f"SELECT * FROM {sql.name(table)}{day}") as reader,
            parquet.ParquetWriter(draft, reader.schema, compression="zstd") as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
        draft.replace(target)
    except OSError as error:
        raise StorageFailed(f"{target} cannot be written", why=error.strerror or str(error)) from error
    finally:
        draft.unlink(missing_ok=True)


def _copy_file(partition: Partition, target: Path, current: Callable[[], Partition | None]) -> None:
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        try:
            shutil.copyfile(partition.path, draft)
        except FileNotFoundError:
            # Replaced and swept since it was listed: its pointer names another file now.
            found = current()
            if found is None or found.path == partition.path:
                raise
            shutil.copyfile(found.path, draft)
        draft.replace(target)
    except OSError as error:
        raise StorageFailed(
            f"{partition.path} cannot be copied to {target}",
            why=error.strerror or str(error),
            fix="Files copied before it are complete. Mend the cause, then run the same command again.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)


# -- where a copy may go -----------------------------------------------------------------------------------------


def _checked_folder(spec: ProjectSpec, to: str, names: Sequence[str]) -> Path:
    """Where the copies go. Raises NamespaceError for every place that is somebody's, UsageError for no folder."""
    if to in spec.settings.targets:
        raise NamespaceError(
            f"{to} is a target, and only its own runs write into its namespace",
            fix=f"Copy to a folder, --to ./{to}_copy, or build there: augury backfill PIPELINE --target {to} ...",
        )
    if "://" in to or not to.strip():
        raise UsageError(f"{to!r} is not a folder of this machine")
    folder = Path(os.path.realpath(spec.root / Path(to).expanduser()))
    for target, owned in _owned(spec):
        for place in (folder, *(folder / name for name in names)):
            if place.is_relative_to(owned) or (place != folder and owned.is_relative_to(place)):
                raise NamespaceError(
                    f"{place} belongs to target {target}, and only its own runs write there",
                    fix="Copy to a folder outside every target's.",
                )
    for place in (*(folder / name for name in names), folder, *folder.parents):
        if (place / MARKER).exists():
            raise NamespaceError(
                f"{place} is a namespace of {_owner(place / MARKER)}",
                fix="Copy to a plain folder.",
            )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder")
    return folder


def _owned(spec: ProjectSpec) -> Iterator[tuple[str, Path]]:
    """Every folder that a target of this project writes to."""
    for name, target in spec.settings.targets.items():
        namespace = target.namespace or name
        places = [f"{target.path}/{namespace}"]
        places += [f"{target.output}/{namespace}"] if target.output else []
        places += [target.models] if target.models else []
        for place in places:
            if "://" not in place:
                yield name, Path(os.path.realpath(spec.root / Path(place).expanduser()))


def _owner(marker: Path) -> str:
    try:
        found = json.loads(marker.read_text("utf-8"))
        return ", ".join(f"{key} {value}" for key, value in found.items() if value)
    except (OSError, ValueError, AttributeError):
        return "another project"


def _nothing(pattern: str, known: Sequence[str]) -> UsageError:
    close = nearest(pattern.replace("*", ""), known)
    return UsageError(
        f"no table fits {pattern!r}",
        why=f"there are {', '.join(known[:12])}" + (", ..." if len(known) > 12 else "") if known else "there are none",
        fix=f"Did you mean {close!r}?" if close else None,
    )
