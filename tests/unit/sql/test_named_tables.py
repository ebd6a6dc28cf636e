"""Which names of tables become relations, which are left alone, and which may a test not even write?"""

from __future__ import annotations

import pytest

from augury.errors import SpecError
from augury.sql.named_tables import with_relations
from augury.sql.relations import Published, Ref, Relation, Source, Staging
from augury.sql.rendering import Hole, NamedHole, Rendered

TABLES: dict[str, Relation] = {
    "shop-7.raw.orders": Source("orders"),
    "dev.ltv_v1_scoring": Ref("scoring"),
    "dev.ltv_v1_preds_staging": Staging(),
    "dev.ltv_v1_preds_prod": Published(),
}


def found(text: str, *holes: Hole, step: str = "scoring", production: str = "") -> list[Relation]:
    rendered = with_relations(Rendered(text, holes), TABLES, "bigquery", step, production)
    return [hole.relation for hole in rendered.holes if isinstance(hole, NamedHole)]


def complaint(text: str, *holes: Hole, step: str = "scoring", production: str = "prod") -> str:
    with pytest.raises(SpecError) as caught:
        found(text, *holes, step=step, production=production)
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize(
    "written",
    [
        "`shop-7.raw.orders`",
        "shop-7.raw.orders",
        "`shop-7`.raw.`orders`",
        "`shop-7`.`raw`.`orders`",
        "shop-7.\x00@1 a.sql\x00raw.orders",
    ],
)
def test_a_table_is_known_by_its_full_name_however_it_is_quoted(written: str) -> None:
    assert found(f"SELECT * FROM {written} AS o JOIN b ON o.x = b.x") == [Source("orders")]


@pytest.mark.parametrize("project", ["my-project.", "`my-project`.", "p1.", "my-project-7."])
def test_a_project_before_what_augury_writes_is_that_of_whoever_wrote_it(project: str) -> None:
    assert found(f"SELECT * FROM {project}dev.ltv_v1_scoring") == [Ref("scoring")]


def test_a_source_is_a_source_in_its_own_project_alone() -> None:
    assert found("SELECT * FROM `other.raw.orders`, `a.shop-7.raw.orders`") == []


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'FROM `dev.ltv_v1_scoring`'",
        "SELECT 1 -- FROM `dev.ltv_v1_scoring`",
        "SELECT 1 # FROM dev.ltv_v1_scoring",
        "SELECT dev.ltv_v1_scoring FROM dev",
        "SELECT * FROM dev.ltv_v1_scoring.more",
    ],
)
def test_names_that_are_no_tables_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_candidates_and_what_was_published_are_for_validation() -> None:
    for name in ("staging", "prod"):
        text = f"SELECT 1,\n  2 FROM `p.dev.ltv_v1_preds_{name}`"
        assert "validation alone can read it" in complaint(text)
        assert len(found(text, step="validation")) == 1


def test_a_model_is_asked_where_a_date_has_one() -> None:
    text = "SELECT *\nFROM ML.PREDICT(MODEL `dev.ltv_v1_model`, TABLE `dev.ltv_v1_scoring`)"
    assert found(text, step="predict") == [Ref("scoring")]
    assert found("SELECT ML.BUCKETIZE(x, [1]) FROM dev.ltv_v1_scoring") == [Ref("scoring")]
    assert complaint(text, step="validation") == "ML.PREDICT asks a model: predicting.sql alone can"


@pytest.mark.parametrize(
    "written",
    [
        "FROM `prod.customers`",
        "FROM Prod.customers",
        "FROM `shop-7.prod.customers`",
        "FROM shop-7.prod.customers",
        "FROM a JOIN `prod`.customers ON TRUE",
        "FROM a, prod.customers",
        "FROM ML.PREDICT(MODEL `prod.ltv_v1_model`, TABLE dev.ltv_v1_scoring)",
        "FROM ML.PREDICT(MODEL `dev.m`, TABLE prod.ltv_v1_scoring)",
    ],
)
def test_a_test_names_nothing_of_production_t7(written: str) -> None:
    assert "the dataset of production, which no test reads" in complaint(f"SELECT 1 {written}", step="predict")
    found(f"SELECT 1 {written}", step="predict")


def test_nor_by_names_that_a_macro_puts_together_t7() -> None:
    assert "prod.customers is in prod" in complaint("SELECT 1 FROM \x000\x00", "`prod`.`customers`")
    assert "prod.customers is in prod" in complaint("SELECT 1 FROM prod.\x00@3 m.sql\x00\x000\x00", "`customers`")
    assert "prod.customers is in prod" in complaint("SELECT 1 FROM \x000\x00.customers", "`prod`")


def test_a_word_of_production_that_is_no_dataset_is_a_word_t7() -> None:
    text = "SELECT 'prod.x', env.prod, prod FROM dev.prod WHERE a = 'FROM prod.x' -- FROM prod.x"
    assert found(text, production="prod") == []
