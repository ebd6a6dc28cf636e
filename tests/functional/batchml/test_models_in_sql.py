"""Can a pipeline of one's own have a model that is a statement of BigQuery ML?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_runner import refused
from tests.functional.batchml.forks import DAY, NEXT, Forks

YML = """\
entity: customer_id
start: 2026-01-01
model:
  type: bigquery_ml
  gate: {mean_absolute_error: "<= 5"}
"""
FILES = {
    "augury.yml": "name: shop\nsources: {orders: {path: orders.csv, event_time: at}}\n",
    "pipelines/spend/pipeline.yml": YML,
    "pipelines/spend/training.sql": "SELECT amount, visits, shop FROM {{ source('orders') }}",
    "pipelines/spend/train_model.sql": """\
CREATE MODEL `{{ target_dataset }}.spend_v1_model`
OPTIONS (model_type = 'linear_reg', input_label_cols = ['amount'], data_split_method = 'no_split') AS
SELECT * FROM `{{ target_dataset }}.spend_v1_training`
""",
    "pipelines/spend/scoring.sql": """\
SELECT customer_id, MAX(visits) AS visits, ANY_VALUE(shop) AS shop FROM {{ source('orders') }} GROUP BY customer_id
""",
    "pipelines/spend/predicting.sql": """\
SELECT customer_id, predicted_amount
FROM ML.PREDICT(MODEL `{{ target_dataset }}.spend_v1_model`, (SELECT * FROM {{ ref('scoring') }} WHERE visits > 0))
""",
}


@pytest.fixture
def shop(tmp_path: Path) -> Forks:
    lines = [f"{n % 20},2026-01-{1 + n % 28:02d},{2 * n + 5 * (n % 2)},{n},{'abcdefgh'[n % 2]}" for n in range(1, 61)]
    files = {**FILES, "orders.csv": "\n".join(["customer_id,at,amount,visits,shop", *lines, ""])}
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Forks(tmp_path)


def test_statements_train_and_score_under_the_rules_of_every_pipeline_g2(shop: Forks) -> None:
    shop.does("train", "spend", "--date", "2026-01-15")
    shop.does("train", "spend", "--date", DAY)
    shop.does("backfill", "spend", "--start", "2026-01-20", "--end", NEXT)
    found = shop.rows(
        "select model_version, min(run_date) as first, max(run_date) as last from spend_predictions group by 1"
    )
    assert sorted((row["model_version"], row["first"], row["last"]) for row in found) == [
        (1, "2026-01-20", "2026-01-31"),
        (2, DAY, DAY),
    ]
    (wrong,) = shop.rows(
        "select count(*) as n from spend_predictions p join spend_v1_scoring s using (run_date, customer_id) "
        "where abs(predicted_amount - (2 * visits + 5 * (shop = 'b')::int)) > 0.001"
    )
    assert wrong == {"n": 0}


def test_a_training_set_ends_at_the_cutoff_of_its_tick(shop: Forks) -> None:
    shop.does("train", "spend", "--date", "2026-01-15")
    (row,) = shop.rows("select count(*) as n, max(visits) as visits from spend_v1_training")
    known = [n for n in range(1, 61) if 1 + n % 28 < 15]
    assert row == {"n": len(known), "visits": max(known)}


def test_a_model_below_its_gate_scores_nothing_k7(shop: Forks) -> None:
    shop.edit("pipelines/spend/pipeline.yml", "<= 5", "<= 0.0000000001")
    shop.edit("pipelines/spend/training.sql", "amount, visits, shop", "amount + mod(visits, 3) as amount, shop")
    assert shop.type("train", "spend", "--date", DAY).code == 3
    assert shop.type("run", "spend", "--date", DAY).code == 3


def test_an_error_of_the_engine_points_at_the_line_of_the_file(shop: Forks) -> None:
    shop.does("train", "spend", "--date", DAY)
    shop.edit("pipelines/spend/scoring.sql", "MAX(visits) AS visits", "\n  MAX(visit) AS visits")
    refused(shop.type("run", "spend", "--date", DAY), 1, "pipelines/spend/scoring.sql:2", "visit")


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("train_model.sql", "CREATE MODEL", "CREATE TABLE", ("train_model.sql:1", "one CREATE MODEL")),
        ("train_model.sql", "AS\nSELECT", "AS\nSELECT 1; SELECT", ("train_model.sql:3", "a second statement")),
        ("train_model.sql", "linear_reg", "linear_regg", ("linear_regg", "linear_reg")),
        ("train_model.sql", "input_label_cols", "input_label_col", ("input_label_col", "input_label_cols")),
        ("train_model.sql", "['amount']", "['amounts']", ("amounts",)),
        ("train_model.sql", "linear_reg'", "dnn_regressor'", ("dnn_regressor",)),
        ("train_model.sql", "spend_v1_model", "spend_model", ("spend_v1_model",)),
    ],
)
def test_a_wrong_statement_is_explained(shop: Forks, file: str, old: str, new: str, words: tuple[str, ...]) -> None:
    shop.edit(f"pipelines/spend/{file}", old, new)
    answer = shop.type("train", "spend", "--date", DAY)
    refused(answer, answer.code, *words)
    assert answer.code in (1, 2)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ML.PREDICT", "ML.PREDIKT", ("ML.PREDIKT", "PREDICT")),
        ("SELECT customer_id, predicted_amount", "DELETE", ("predicting.sql:1", "not DELETE")),
        ("predicted_amount", "predicted_amounts", ("predicted_amount",)),
        ("SELECT * FROM", "SELECT customer_id FROM", ("visits",)),
    ],
)
def test_a_wrong_question_to_a_model_is_explained(shop: Forks, old: str, new: str, words: tuple[str, ...]) -> None:
    shop.does("train", "spend", "--date", DAY)
    shop.edit("pipelines/spend/predicting.sql", old, new)
    answer = shop.type("run", "spend", "--date", DAY)
    refused(answer, answer.code, *words)
    assert answer.code in (1, 2)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("predicting.sql", "there is no predicting.sql"),
        ("train_model.sql", "there is no train_model.sql"),
    ],
)
def test_a_missing_file_is_named(shop: Forks, name: str, words: str) -> None:
    (shop.root / "pipelines" / "spend" / name).unlink()
    refused(shop.type("validate"), 2, words)


def test_keys_that_the_statement_decides_are_refused(shop: Forks) -> None:
    shop.edit("pipelines/spend/pipeline.yml", "model:\n", "dialect: duckdb\nmodel:\n  options: {l2_reg: 1}\n")
    shop.edit("pipelines/spend/pipeline.yml", "gate: {", "gate: {beats: champion, ")
    (shop.root / "pipelines" / "spend" / "label.sql").write_text("select 1")
    refused(
        shop.type("validate"),
        2,
        "model.options: train_model.sql says",
        "model.gate.beats: models in SQL",
        "dialect: a model of the type bigquery_ml",
        "has training.sql and scoring.sql instead",
    )
