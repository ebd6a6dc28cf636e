"""What is wrong in a TRANSFORM clause is told at once, with its line and column and the nearest spelling."""

from __future__ import annotations

import pytest

from augury.errors import Problem, SpecError
from augury.sql.bigquery_ml.transform import read_transform
from augury.sql.bigquery_ml.transform_queries import rewrite_scalar, translate


def problems(text: str, line: int = 1) -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as refused:
        read_transform(text, line, "train.sql")
    return refused.value.problems


def message(text: str) -> str:
    (problem,) = problems(text)
    return problem.message


def test_all_mistakes_are_told_at_once_with_their_places() -> None:
    found = problems(
        """ML.STANDARD_SCALR(a) OVER () AS a,
ML.BUCKETIZE(b, [3, 1]) AS b,
  b + 1,
SUM(c) AS c,
ML.MIN_MAX_SCALER(d) AS d""",
        line=10,
    )
    assert [(each.file, each.line) for each in found] == [("train.sql", line) for line in (10, 11, 12, 13, 14)]
    assert found[0].message == "BigQuery ML has no preprocessing function ML.STANDARD_SCALR (column 1)"
    assert found[0].suggestion == "ML.STANDARD_SCALER"
    assert found[2].message == "every output of TRANSFORM needs a name: write ... AS name (column 3)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "TRANSFORM ( ) is empty: list the columns of the model"),
        ("-- nothing", "TRANSFORM ( ) is empty: list the columns of the model"),
        ("a,, b", "a comma stands here with nothing before it (column 3)"),
        ("a, a", "TRANSFORM gives the column a twice (column 4)"),
        ("a, b + 1 AS A", "TRANSFORM gives the column A twice (column 4)"),
        ("t.*", "TRANSFORM sees the columns of one query: write * without a table (column 1)"),
        ("* EXCEPT", "behind * stand EXCEPT (a, b) and REPLACE (x AS a), or nothing (column 3)"),
        ("* EXCLUDE (a)", "behind * stand EXCEPT (a, b) and REPLACE (x AS a), or nothing (column 3)"),
        ("* EXCEPT (a + 1)", "it is written * EXCEPT (a, b) (column 11)"),
        ("* REPLACE (a + 1)", "it is written * REPLACE (x AS a) (column 12)"),
        ("a, (SELECT 1) AS b", "TRANSFORM takes no subquery: put it in the training query (column 5)"),
        ("a / AVG(a) AS b", "TRANSFORM takes no aggregate, and AVG is one: put it in the training query (column 5)"),
        (
            "ROW_NUMBER() OVER () AS b",
            "TRANSFORM takes OVER () behind ML functions only: put this one in the training query (column 14)",
        ),
        ("a AS b) c", ") closes nothing (column 7)"),
        ("f(a AS b", "( is never closed (column 2)"),
        ("'never ends AS b", "what begins with ' here never ends (column 1)"),
    ],
)
def test_a_list_that_cannot_be_applied_row_by_row_is_refused(text: str, expected: str) -> None:
    assert message(text) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("ML.PREDICT(x)", "BigQuery ML has no preprocessing function ML.PREDICT (column 1)"),
        (
            "ML.MIN_MAX_SCALER(x)",
            "ML.MIN_MAX_SCALER looks at all rows: write ML.MIN_MAX_SCALER(...) OVER () (column 1)",
        ),
        ("ML.MIN_MAX_SCALER(x) OVER (PARTITION BY y)", "ML.MIN_MAX_SCALER takes an empty OVER () only (column 22)"),
        ("ML.MIN_MAX_SCALER(x) OVER w", "ML.MIN_MAX_SCALER takes an empty OVER () only (column 22)"),
        ("ML.BUCKETIZE(x, [1]) OVER ()", "ML.BUCKETIZE looks at one row only: leave out OVER (column 22)"),
        (
            "ML.MIN_MAX_SCALER(1 + ML.MAX_ABS_SCALER(x) OVER ()) OVER ()",
            "ML.MAX_ABS_SCALER cannot be an argument of another function with OVER () (column 23)",
        ),
        ("ML.MIN_MAX_SCALER() OVER ()", "ML.MIN_MAX_SCALER takes 1 argument (expression), not 0 (column 1)"),
        ("ML.MIN_MAX_SCALER(x, 1) OVER ()", "ML.MIN_MAX_SCALER takes 1 argument (expression), not 2 (column 1)"),
        ("ML.IMPUTER(x) OVER ()", "ML.IMPUTER takes 2 arguments (expression, strategy), not 1 (column 1)"),
        (
            "ML.BUCKETIZE(x)",
            "ML.BUCKETIZE takes 2 to 4 arguments (expression, array_split_points, exclude_boundaries, output_format), "
            "not 1 (column 1)",
        ),
        ("ML.BUCKETIZE(, [1])", "an argument of ML.BUCKETIZE is empty (column 1)"),
        (
            "ML.IMPUTER(x, 'media') OVER ()",
            "strategy of ML.IMPUTER is one of 'mean', 'median', 'most_frequent'; did you mean 'median'? (column 15)",
        ),
        ("ML.IMPUTER(x, y) OVER ()", "strategy of ML.IMPUTER is one of 'mean', 'median', 'most_frequent' (column 15)"),
        (
            "ML.BUCKETIZE(x, y)",
            "array_split_points of ML.BUCKETIZE is an array of numbers, each larger than the one before, "
            "such as [10, 20, 30] (column 17)",
        ),
        (
            "ML.BUCKETIZE(x, [1, 1])",
            "array_split_points of ML.BUCKETIZE is an array of numbers, each larger than the one before, "
            "such as [10, 20, 30] (column 17)",
        ),
        ("ML.BUCKETIZE(x, [1], 1)", "exclude_boundaries of ML.BUCKETIZE is TRUE or FALSE (column 22)"),
        (
            "ML.BUCKETIZE(x, [1], TRUE, 'names')",
            "output_format of ML.BUCKETIZE is one of 'bucket_names', 'bucket_ranges', 'bucket_ranges_json' (column 28)",
        ),
        (
            "ML.QUANTILE_BUCKETIZE(x, 0) OVER ()",
            "num_buckets of ML.QUANTILE_BUCKETIZE is a whole number of at least 1 and at most 100,000 (column 26)",
        ),
        (
            "ML.LABEL_ENCODER(x, 1000000) OVER ()",
            "top_k of ML.LABEL_ENCODER is a whole number of at least 1 and at most 999,999 (column 21)",
        ),
        (
            "ML.LABEL_ENCODER(x, 5, -1) OVER ()",
            "frequency_threshold of ML.LABEL_ENCODER is a whole number of at least 0 (column 24)",
        ),
        (
            "ML.ONE_HOT_ENCODER(x, 'first') OVER ()",
            "drop of ML.ONE_HOT_ENCODER is one of 'none', 'most_frequent' (column 23)",
        ),
        (
            "ML.ROBUST_SCALER(x, [75, 25]) OVER ()",
            "quantile_range of ML.ROBUST_SCALER is an array of two whole numbers between 0 and 100, such as [25, 75] "
            "(column 21)",
        ),
        (
            "ML.ROBUST_SCALER(x, [0, 75]) OVER ()",
            "quantile_range of ML.ROBUST_SCALER is an array of two whole numbers between 0 and 100, such as [25, 75] "
            "(column 21)",
        ),
        ("ML.POLYNOMIAL_EXPAND(x)", "ML.POLYNOMIAL_EXPAND takes its features as STRUCT(a, b + 1 AS c) (column 22)"),
        ("ML.FEATURE_CROSS(STRUCT())", "ML.FEATURE_CROSS takes its features as STRUCT(a, b + 1 AS c) (column 18)"),
        (
            "ML.FEATURE_CROSS(STRUCT(a, b || 'x'))",
            "every feature of ML.FEATURE_CROSS needs a name: write ... AS name (column 28)",
        ),
        ("ML.FEATURE_CROSS(STRUCT(a, t.A))", "ML.FEATURE_CROSS has two features called A (column 28)"),
        (
            "ML.FEATURE_CROSS(STRUCT(a, b, c, d, e, f, g, h, i, j, k))",
            "ML.FEATURE_CROSS takes at most 10 features, not 11 (column 18)",
        ),
        (
            "ML.POLYNOMIAL_EXPAND(STRUCT(a), 5)",
            "degree of ML.POLYNOMIAL_EXPAND is a whole number of at least 1 and at most 4 (column 33)",
        ),
        (
            "ML.FEATURE_CROSS(STRUCT(a, b), 1)",
            "degree of ML.FEATURE_CROSS is a whole number of at least 2 and at most 4 (column 32)",
        ),
        (
            "ML.NGRAMS(x, [3, 2])",
            "range of ML.NGRAMS is a whole number of at least 1, or an array of two in order, such as [1, 3] "
            "(column 14)",
        ),
        ("ML.NGRAMS(x, 2, 7)", "separator of ML.NGRAMS is a string in quotes (column 17)"),
        (
            "ML.HASH_BUCKETIZE(x, -1)",
            "hash_bucket_size of ML.HASH_BUCKETIZE is a whole number of at least 0 (column 22)",
        ),
        (
            "ML.NORMALIZER(x, 0.5)",
            "p of ML.NORMALIZER is 0.0, a number of at least 1.0, or CAST('INF' AS FLOAT64) (column 18)",
        ),
        (
            "ML.LP_NORM(x, CAST('1' AS FLOAT64))",
            "degree of ML.LP_NORM is 0.0, a number of at least 1.0, or CAST('INF' AS FLOAT64) (column 15)",
        ),
        (
            "ML.DISTANCE(x, y, 'EUCLID')",
            "type of ML.DISTANCE is one of 'EUCLIDEAN', 'MANHATTAN', 'COSINE'; did you mean 'EUCLIDEAN'? (column 19)",
        ),
    ],
)
def test_a_call_that_is_wrong_says_what_would_be_right(call: str, expected: str) -> None:
    assert message(f"{call} AS y") == expected


@pytest.mark.parametrize("name", ["CONVERT_COLOR_SPACE", "CONVERT_IMAGE_TYPE", "DECODE_IMAGE", "RESIZE_IMAGE"])
def test_functions_of_images_are_refused_by_name(name: str) -> None:
    assert message(f"ML.{name}(x) AS y") == (
        f"ML.{name} is not available: it works on images, which only BigQuery reads: "
        "keep this pipeline's target on BigQuery (column 1)"
    )


def test_an_empty_list_is_told_on_its_line() -> None:
    assert [each.line for each in problems(" ", line=7)] == [7]


def test_names_of_markers_are_taken() -> None:
    assert message("__augury_ml_0_0 AS x") == "names that begin with __augury_ml_ are taken (column 1)"


def test_the_same_mistakes_are_told_of_a_query() -> None:
    with pytest.raises(SpecError) as refused:
        rewrite_scalar("SELECT\n  ML.BUCKETISE(x, [1]),\n  ML.MAX_ABS_SCALER(x)\nFROM t", "prepare.sql")
    assert [str(problem) for problem in refused.value.problems] == [
        "prepare.sql:2  BigQuery ML has no preprocessing function ML.BUCKETISE (column 3)"
        "   did you mean 'ML.BUCKETIZE'?",
        "prepare.sql:3  ML.MAX_ABS_SCALER looks at all rows: write ML.MAX_ABS_SCALER(...) OVER () (column 3)",
    ]


def test_a_column_that_the_training_query_lacks_is_told_with_the_nearest() -> None:
    transform = read_transform("* EXCEPT (lable),\nML.BUCKETIZE(agee + 1, [1]) AS a", 3, "train.sql")
    with pytest.raises(SpecError) as refused:
        transform.bind(None, ["Age", "label"])
    assert [(each.line, each.suggestion) for each in refused.value.problems] == [(3, "label"), (4, "Age")]
    assert refused.value.problems[1].message == "TRANSFORM reads agee, which the training query does not give"


def test_a_star_that_gives_a_name_again_is_told() -> None:
    with pytest.raises(SpecError, match=r"gives the column x twice: leave one out with \* EXCEPT \(x\)"):
        read_transform("*, x + 1 AS x").bind(None, ["x"])


@pytest.mark.parametrize("expression", ["UPPR(b)", "ML.BUCKETIZE(UPPR(b), [1])", "b +"])
def test_mistakes_in_ordinary_sql_are_told_with_file_and_line(expression: str) -> None:
    (problem,) = problems(f"a,\n\n{expression} AS b", line=5)
    assert (problem.file, problem.line) == ("train.sql", 7)
    with pytest.raises(SpecError) as refused:
        translate(f"SELECT ML.BUCKETIZE(a,\n[1]) AS a,\n{expression} AS b FROM t", file="prepare.sql")
    assert [(each.file, each.line) for each in refused.value.problems] == [("prepare.sql", 3)]


@pytest.mark.parametrize(
    "sql", ["COALESCE(__augury_ml_0_0, x)", "f(__augury_ml_0_0, __augury_ml_0_0, __augury_ml_0_1)"]
)
def test_a_call_that_a_translation_took_apart_is_refused_rather_than_guessed(sql: str) -> None:
    rewritten = rewrite_scalar("SELECT\nML.BUCKETIZE(x, [1]) AS b FROM t", "prepare.sql")
    with pytest.raises(SpecError) as refused:
        rewritten.restore(f"SELECT {sql} FROM t")
    (problem,) = refused.value.problems
    assert (problem.file, problem.line) == ("prepare.sql", 2)
    assert problem.message == "ML.BUCKETIZE cannot stand here; put it in a subquery of its own"
