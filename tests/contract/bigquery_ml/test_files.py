"""A model leaves as a file and comes back as one."""

from __future__ import annotations

import json

import pytest

from augury.errors import UsageError
from tests.contract.bigquery_ml.room import TRAIN, Room

TREES = (
    "CREATE MODEL d.trees OPTIONS(model_type='boosted_tree_regressor', input_label_cols=['y'], max_iterations=3) "
    "AS SELECT a, CAST(b AS FLOAT64) AS b, y FROM t"
)


def test_an_exported_model_can_be_imported(room: Room) -> None:
    room.session.execute(TREES)
    target = room.folder / "out"
    change = room.session.execute(f"EXPORT MODEL d.trees OPTIONS(uri='{target.as_uri()}')")
    (file,) = (name for name in change.files if name.endswith((".ubj", ".bst")))
    session = room.opened(root=target)
    # The file knows the names and types of its inputs: no INPUT clause is needed.
    sql = f"CREATE MODEL d.back OPTIONS(model_type='xgboost', model_path='{file}')"
    assert session.execute(sql).did == "created"
    found = room.rows(
        "WITH u AS (SELECT id, a, CAST(b AS FLOAT64) AS b FROM t) SELECT l.predicted_y AS l, r.predicted_label AS r "
        "FROM ML.PREDICT(MODEL d.trees, TABLE u) AS l JOIN ML.PREDICT(MODEL d.back, TABLE u) AS r USING (id)"
    )
    assert len(found) == 100
    assert all(row["l"] == row["r"] for row in found)
    with pytest.raises(UsageError, match=r"ML.FEATURE_INFO is not for models of type xgboost"):
        room.rows("SELECT * FROM ML.FEATURE_INFO(MODEL d.back)")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("gs://bucket/model.bst", "is not on this machine"),
        ("absent.ubj", "there is no model file absent.ubj"),
        ("../secret", "lies outside of the folder for model files"),
        ("several/*", "must hold exactly one model file, and holds 2"),
    ],
)
def test_files_that_cannot_be_taken(room: Room, path: str, problem: str) -> None:
    folder = room.folder / "files"
    (folder / "several").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / "several" / name).write_text("x")
    session = room.opened(root=folder)
    with pytest.raises(UsageError) as caught:
        session.execute(f"CREATE MODEL d.back OPTIONS(model_type='xgboost', model_path='{path}')")
    assert problem in str(caught.value)
    with pytest.raises(UsageError, match=r"no whole path|not on this machine"):
        room.session.execute(f"CREATE MODEL d.back OPTIONS(model_type='xgboost', model_path='{path}')")


def test_exporting(room: Room) -> None:
    room.session.execute(TRAIN)
    target = room.folder / "out" / "m"
    change = room.session.execute(f"EXPORT MODEL d.m OPTIONS(uri='{target.as_uri()}')")
    assert (change.did, change.files) == ("exported", ("weights.json",))
    assert json.loads((target / "weights.json").read_text()) == {"offset": 5.0}
    assert list(target.parent.iterdir()) == [target]
    with pytest.raises(UsageError, match="is not an empty folder"):
        room.session.execute(f"EXPORT MODEL d.m OPTIONS(uri='{target.as_uri()}')")


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("gs://bucket/m", "gs://bucket/m is not on this machine"),
        ("../outside", "lies outside of the folder for model files"),
        ("file:///etc/augury", "lies outside of the folder for model files"),
        ("file://host/x", "is not on this machine"),
    ],
)
def test_exports_stay_below_their_root(room: Room, uri: str, problem: str) -> None:
    room.session.execute(TRAIN)
    session = room.opened(root=room.folder / "root")
    with pytest.raises(UsageError, match=problem):
        session.execute(f"EXPORT MODEL d.m OPTIONS(uri='{uri}')")
    session.execute("EXPORT MODEL d.m OPTIONS(uri='exports/m')")
    assert (room.folder / "root" / "exports" / "m" / "weights.json").is_file()
