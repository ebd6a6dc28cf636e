"""A tree model goes out as a file, and comes back as an imported model, by the names of its inputs."""

from __future__ import annotations

import json

import pytest

from tests.contract.bigquery_ml_tutorials.tutorial_room import Room


def test_categories_are_inputs_by_name(room: Room) -> None:
    room.run(
        "CREATE MODEL d.trees OPTIONS(model_type='boosted_tree_regressor', input_label_cols=['body_mass_g'], "
        "category_encoding_method='ONE_HOT_ENCODING', max_iterations=5) "
        "AS SELECT culmen_length_mm, species, body_mass_g FROM penguins"
    )
    room.run("EXPORT MODEL d.trees OPTIONS(uri='out')")
    room.run("CREATE MODEL d.back OPTIONS(model_type='xgboost', model_path='out/model.ubj')")
    wanted = ["culmen_length_mm", *(f"species_{name}" for name in ("Adelie", "Chinstrap", "Gentoo", "null"))]
    back = room.session.model(("d", "back"))
    assert back is not None
    assert [name for name, _ in back.features] == wanted
    assert json.loads((room.folder / "out" / "features.json").read_text())["names"] == wanted
    rows = room.rows(
        "SELECT l.predicted_body_mass_g AS l, r.predicted_label AS r FROM ML.PREDICT(MODEL d.trees, TABLE penguins) l "
        "JOIN ML.PREDICT(MODEL d.back, (SELECT id, culmen_length_mm, IF(species = 'Adelie', 1, 0) AS species_Adelie, "
        "IF(species = 'Chinstrap', 1, 0) AS species_Chinstrap, IF(species = 'Gentoo', 1, 0) AS species_Gentoo, "
        "0 AS species_null FROM penguins)) AS r USING (id)"
    )
    assert len(rows) == 120
    assert all(row["l"] == row["r"] for row in rows)


def test_hostile_categories_make_names_that_differ(room: Room) -> None:
    room.run(
        "CREATE MODEL d.trees OPTIONS(model_type='random_forest_regressor', input_label_cols=['y'], "
        "category_encoding_method='ONE_HOT_ENCODING', num_parallel_tree=2) AS SELECT "
        "CASE MOD(id, 5) WHEN 0 THEN 'a[b' WHEN 1 THEN 'a<b' WHEN 2 THEN 'A b' WHEN 3 THEN '' END AS word, "
        "body_mass_g AS y FROM penguins"
    )
    room.run("EXPORT MODEL d.trees OPTIONS(uri='out')")
    room.run("CREATE MODEL d.back OPTIONS(model_type='xgboost', model_path='out/model.ubj')")
    back = room.session.model(("d", "back"))
    assert back is not None
    names = [name for name, _ in back.features]
    assert len({name.lower() for name in names}) == 5
    assert all(name.isidentifier() for name in names)


@pytest.mark.parametrize("method", ["LABEL_ENCODING", "TARGET_ENCODING"])
def test_a_category_that_is_one_column_keeps_its_name(room: Room, method: str) -> None:
    room.run(
        "CREATE MODEL d.trees OPTIONS(model_type='boosted_tree_classifier', input_label_cols=['sex'], "
        f"category_encoding_method='{method}', max_iterations=2) AS SELECT culmen_length_mm, species, sex FROM penguins"
    )
    room.run("EXPORT MODEL d.trees OPTIONS(uri='out')")
    room.run("CREATE MODEL d.back OPTIONS(model_type='xgboost', model_path='out/model.ubj')")
    back = room.session.model(("d", "back"))
    assert back is not None
    kind = "INT64" if method == "LABEL_ENCODING" else "FLOAT64"
    assert back.features == (("culmen_length_mm", "FLOAT64"), ("species", kind))
