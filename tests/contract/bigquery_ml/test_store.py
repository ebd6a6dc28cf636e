"""A model is the old one or the new one, for everybody, at every moment."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from augury.bigquery_ml.manifest import Manifest, Name
from augury.bigquery_ml.store import ModelStore, digests, folder_name
from augury.errors import StorageFailed, UsageError

NAME: Name = ("d", "m")


def written(store: ModelStore, text: str, name: Name = NAME, *, replace: bool = True) -> Manifest:
    with store.drafting(name) as (version, folder):
        (folder / "artifact").write_text(text)
        manifest = Manifest(
            name=name,
            model_type="linear_reg",
            version=version,
            created="2026-05-01T00:00:00+00:00",
            modified="2026-05-01T00:00:00+00:00",
            features=(("a", "INT64"),),
            labels=(),
            options={"model_type": "linear_reg"},
            feature_info=(),
            files=digests(folder),
        )
        (store.replace if replace else store.create)(manifest)
    return manifest


def artifact(manifest: Manifest, folder: Path) -> str:
    return (folder / "artifact").read_text()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    assert store.get(NAME) is None
    assert store.list() == ()
    manifest = written(store, "one")
    assert store.get(NAME) == manifest
    assert ModelStore(tmp_path).list() == (manifest,)
    assert store.load(NAME, artifact) == "one"


def test_readers_during_replacement(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    written(store, "0")
    stop = threading.Event()

    def hammer(_: int) -> set[str | None]:
        seen: set[str | None] = set()
        while not stop.is_set():
            seen.add(ModelStore(tmp_path).load(NAME, artifact))
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(hammer, number) for number in range(3)]
        for number in range(1, 40):
            written(store, str(number))
        stop.set()
        seen = set().union(*(reader.result() for reader in readers))
    assert None not in seen
    assert len(seen) > 1
    (folder,) = tmp_path.glob("*-*")
    assert len(list(folder.iterdir())) == 2


def test_of_two_that_create_one_wins(tmp_path: Path) -> None:
    barrier = threading.Barrier(2)

    def create(number: int) -> bool:
        store = ModelStore(tmp_path)
        barrier.wait()
        try:
            written(store, str(number), replace=False)
        except UsageError:
            return False
        return True

    for _ in range(10):
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(create, range(2))) == [False, True]
        assert ModelStore(tmp_path).load(NAME, artifact) in ("0", "1")
        assert ModelStore(tmp_path).drop(NAME)


def test_a_change_of_the_manifest_never_brings_an_old_model_back(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    written(store, "0")
    stop = threading.Event()

    def describe() -> int:
        count = 0
        while not stop.is_set():
            assert ModelStore(tmp_path).alter(NAME, lambda before: before.changed(description="x")) is not None
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        altering = [pool.submit(describe) for _ in range(2)]
        for number in range(1, 40):
            written(store, str(number))
            assert store.load(NAME, artifact) == str(number)
        stop.set()
    assert all(each.result() > 0 for each in altering)


def test_a_draft_that_comes_to_nothing_leaves_nothing(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    with store.drafting(NAME) as (_, folder):
        (folder / "artifact").write_text("half")
    assert list(tmp_path.glob("*-*")) == []


def test_what_a_dead_training_left_is_removed_in_time(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    kept = written(store, "one")
    (folder,) = tmp_path.glob("*-*")
    old, young = folder / "v-old", folder / "v-young"
    for path in (old, young):
        path.mkdir()
    os.utime(old, (0, 0))
    os.utime(folder / kept.version, (0, 0))
    with store.drafting(NAME):
        pass
    assert not old.exists()
    assert young.exists()
    assert store.load(NAME, artifact) == "one"


@pytest.mark.parametrize("change", ["changed", "missing", "added", "gone"])
def test_files_that_are_not_those_that_were_written(tmp_path: Path, change: str) -> None:
    store = ModelStore(tmp_path)
    manifest = written(store, "one")
    (path,) = tmp_path.glob(f"*/{manifest.version}/artifact")
    if change == "changed":
        path.write_text("two")
    elif change == "added":
        path.with_name("more").write_text("x")
    else:
        path.unlink()
        if change == "gone":
            path.parent.rmdir()
    with pytest.raises(StorageFailed, match="Train the model again"):
        store.load(NAME, artifact)


@pytest.mark.parametrize(
    "name",
    [("..", "..", "etc"), ("a/b", "c"), ("", ""), (".",), ("x" * 1000,), ("a\\b",), ("con",), ("a\x00b",), ("é", "ü")],
)
def test_no_name_leaves_the_folder(name: Name) -> None:
    text = folder_name(name)
    assert Path(text).name == text
    assert len(text) < 120
    assert text.isascii()
    assert not text.startswith(".")


def test_names_differ_where_letter_cases_do() -> None:
    names = {folder_name(name).lower() for name in (("d", "m"), ("D", "m"), ("d.m",), ("d", "M"))}
    # ('d', 'm') and ('d.m',) are the same name, written with and without parts.
    assert len(names) == 3


def test_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file, where a folder should be")
    store = ModelStore(tmp_path / "models")
    assert store.get(NAME) is None
    with pytest.raises(StorageFailed), store.drafting(NAME):
        pass
