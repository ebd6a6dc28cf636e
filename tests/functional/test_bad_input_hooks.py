"""What can a hooks.py do to a run? Fail its own step, and nothing else."""

from __future__ import annotations

import pytest

from tests.cli_runner import called, refused, rows, typed, worked
from tests.projects import Shop
from tests.tiny import NAMESPACE, VISITS, data

RUN = ("run", "visits", "--date", "2024-01-13")
PUBLISHED = [{"d": f"2024-01-{day}"} for day in (10, 11, 12)]


def hooks(shop: Shop, code: str) -> None:
    shop.write(f"{VISITS}/hooks.py", "import os\nimport sys\n\nimport pyarrow as pa\n" + code)


def days(shop: Shop) -> list[dict[str, str]]:
    return rows("select distinct run_date as d from visits_predictions order by 1", shop.root)


def fails(shop: Shop, *words: str, step: str = "prepare", code: int = 1) -> str:
    before = data(shop.root / NAMESPACE)
    said = refused(called(*RUN, folder=shop.root), code, f"visits / 2024-01-13 / {step}", *words)
    after = data(shop.root / NAMESPACE)
    assert {name: digest for name, digest in after.items() if "_staging" not in name and "prepare" not in name} == {
        name: digest for name, digest in before.items() if "_staging" not in name and "prepare" not in name
    }
    return said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raise ValueError('no \\x1b[31mluck')", "ValueError: no \\x1b[31mluck"),
        ("raise SystemExit(0)", "SystemExit"),
        ("sys.exit('bye')", "SystemExit: bye"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise type('Rude', (Exception,), {'__str__': lambda self: 1 / 0})", "Rude: it cannot be shown"),
        ("return rows['nope']", "KeyError"),
        ("assert False", "AssertionError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("(lambda f: f(f))(lambda f: f(f))", "RecursionError"),
        ("yield rows.to_batches()[0]\n    raise ValueError('late')", "ValueError: late"),
    ],
)
def test_an_exception_names_the_hook_and_its_line(published: Shop, line: str, said: str) -> None:
    hooks(published, f"def prepare(context, rows):\n    {line}\n")
    shown = fails(published, "hook prepare raised", said, "Nothing was published.")
    assert f"{VISITS}/hooks.py:{7 if 'late' in line else 6}" in shown
    assert days(published) == PUBLISHED


@pytest.mark.parametrize("value", ["42", "None", "'rows'", "[1, 2]", "{'a': 1}", "rows.to_pandas()", "iter(())"])
def test_a_result_that_is_not_arrow_is_named(published: Shop, value: str) -> None:
    hooks(published, f"def prepare(context, rows):\n    return {value}\n")
    fails(published, "hook prepare returned", "not Arrow", f"{VISITS}/hooks.py:5", "pa.Table.from_pandas")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("rows.drop_columns(['customer_id'])", ["key column 'customer_id' is not there"]),
        ("pa.concat_tables([rows, rows])", ["12 customer_id values with more than one row"]),
    ],
)
def test_what_a_hook_returns_keeps_the_promises_of_its_step(published: Shop, value: str, words: list[str]) -> None:
    hooks(published, f"def prepare(context, rows):\n    return {value}\n")
    answer = called(*RUN, folder=published.root)
    refused(answer, 1, *words)
    assert days(published) == PUBLISHED


def test_an_import_that_fails_is_told_with_its_line(published: Shop) -> None:
    hooks(published, "import no_such_library\ndef prepare(context, rows):\n    return rows\n")
    fails(published, "hooks.py cannot be imported", f"{VISITS}/hooks.py:5", "no_such_library")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def prepare(context rows):\n    return rows\n", ["hooks.py:5", "Python cannot read it"]),
        ("def prepare(context, rwos):\n    return rwos\n", ["hooks.py:5", "did you mean 'rows'?"]),
        ("def preprae(context, rows):\n    return rows\n", ["hooks.py:5", "preprae"]),
        ("def prepare(context, *args):\n    return args\n", ["hooks.py:5", "prepare"]),
    ],
)
def test_a_hooks_file_that_cannot_be_used_is_a_problem_of_the_project(
    published: Shop, code: str, words: list[str]
) -> None:
    before = data(published.root / NAMESPACE)
    hooks(published, code)
    refused(called(*RUN, folder=published.root), 2, *words)
    assert data(published.root / NAMESPACE) == before


# -- validation ----------------------------------------------------------------------------------------------------

STAGING = "from augury.hooks import staging\ndef validation(context, rows=staging()):\n    "


@pytest.mark.parametrize("beside_sql", [True, False])
@pytest.mark.parametrize(
    ("result", "code", "words"),
    [
        ("pa.table({'enough': [len(rows) > 1000]})", 3, ["enough   false"]),
        ("pa.table({'enough': pa.array([None], pa.bool_())})", 3, ["enough   NULL"]),
        ("pa.table({'enough': [1]})", 3, ["enough   1"]),
        ("pa.table({'enough': pa.array([], pa.bool_())})", 3, ["no row"]),
        ("pa.table({'enough': [True, True]})", 3, ["more than one row"]),
        ("True", 1, ["hook validation returned bool, not Arrow"]),
    ],
)
def test_k2_a_validation_in_python_is_as_strict_as_one_in_sql(
    published: Shop, result: str, code: int, words: list[str], beside_sql: bool
) -> None:
    hooks(published, STAGING + f"return {result}\n")
    if not beside_sql:
        (published.root / VISITS / "validation.sql").unlink()
    fails(published, *words, step="validate", code=code)
    assert days(published) == PUBLISHED


def test_k2_a_validation_in_python_lets_good_rows_pass(published: Shop) -> None:
    hooks(published, STAGING + "return pa.table({'enough': [len(rows) == 12]})\n")
    worked(called(*RUN, folder=published.root))
    assert days(published) == [*PUBLISHED, {"d": "2024-01-13"}]


# -- events --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["raise ValueError('the crm is down')", "sys.exit(0)"])
def test_j6_a_failing_on_completed_is_told_and_the_date_stays_published(published: Shop, line: str) -> None:
    """It is called after the table is visible, and once: a second run has nothing to do."""
    hooks(
        published,
        "def on_completed(context):\n"
        f"    with open({str(published.root / 'calls')!r}, 'a') as file:\n"
        f"        file.write(str(context.run_date) + '\\n')\n    {line}\n",
    )
    answer = called(*RUN, folder=published.root)
    refused(answer, 1, "visits / 2024-01-13 / on_completed: hook on_completed raised", f"{VISITS}/hooks.py:8")
    assert "published  visits_predictions, run_date 2024-01-13: 12 customers" in answer.out
    assert days(published) == [*PUBLISHED, {"d": "2024-01-13"}]
    worked(called(*RUN, folder=published.root))
    assert (published.root / "calls").read_text() == "2024-01-13\n"


def test_a_failing_on_failed_hides_nothing(published: Shop) -> None:
    hooks(
        published,
        "def prepare(context, rows):\n    raise ValueError('first')\n"
        "def on_failed(context):\n    raise ValueError('second')\n",
    )
    answer = called(*RUN, folder=published.root)
    refused(answer, 1, "ValueError: first", "hook on_failed raised", "ValueError: second")


def test_what_a_hook_prints_is_narration_and_never_data(published: Shop) -> None:
    hooks(published, "def prepare(context, rows):\n    print('12 rows \\x1b[31m')\n    return rows\n")
    answer = worked(called(*RUN, "--output", "json", folder=published.root))
    assert answer.document["run"]["exit_code"] == 0
    assert "12 rows \\x1b[31m" in answer.err
    logs = worked(called("logs", "visits", "--date", "2024-01-13", folder=published.root))
    assert "12 rows" in logs.out
    assert "\x1b" not in logs.out


def test_a_hook_that_ends_the_process_leaves_a_crashed_run_and_the_next_one_is_whole(published: Shop) -> None:
    hooks(published, "def prepare(context, rows):\n    os._exit(0)\n")
    typed(*RUN, folder=published.root)
    (run,) = called("runs", "visits", "--limit", "1", "--output", "ndjson", folder=published.root).out.splitlines()
    assert '"status": "crashed"' in run
    (published.root / VISITS / "hooks.py").unlink()
    worked(called(*RUN, folder=published.root))
    assert days(published) == [*PUBLISHED, {"d": "2024-01-13"}]


def test_a_hook_that_changes_the_folder_moves_nothing(published: Shop) -> None:
    hooks(published, "def prepare(context, rows):\n    os.chdir('/')\n    return rows\n")
    worked(typed(*RUN, folder=published.root))
    assert days(published) == [*PUBLISHED, {"d": "2024-01-13"}]
