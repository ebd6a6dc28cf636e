"""Does the value of a secret ever leave? Not on a stream, not into the ledger, not into any file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli_runner import called, refused, typed, worked
from tests.projects import Shop
from tests.tiny import NAMESPACE, VISITS

SECRET = "hunter2'Sekret\\&"
"""With characters that SQL, JSON, YAML, shells and URLs each write in another way."""
ENV = {"DB_PASSWORD": SECRET}
STEM = b"hunter2"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(visits: Shop) -> Shop:
    """A project that uses the secret wherever a value may stand."""
    visits.edit(
        "augury.yml",
        "vars: {factor: 2}",
        "vars: {factor: 2, password: '${DB_PASSWORD}', url: 'postgres://me:${DB_PASSWORD}@host/db'}",
    )
    visits.edit(f"{VISITS}/post_process.sql", "as worth", "as worth, {{ var('url') }} = {{ var('password') }} as odd")
    visits.edit(f"{VISITS}/pipeline.yml", "entity:", "vars: {token: 'x${DB_PASSWORD}x'}\nentity:")
    visits.write(
        f"{VISITS}/hooks.py",
        "import logging\n\n"
        "def prepare(context, rows):\n"
        "    print('the password is', context.vars['password'])\n"
        "    logging.getLogger('crm').warning('connecting to %s', context.vars['url'])\n"
        "    if context.vars['factor'] == 7:\n"
        "        raise ValueError('refused: ' + context.vars['url'] + context.vars['token'])\n"
        "    return rows\n",
    )
    return visits


def silent(shop: Shop, *words: str, code: int = 0) -> None:
    answer = called(*words, folder=shop.root, env=ENV)
    assert answer.code == code, answer.said
    assert STEM.decode() not in answer.said


def files_with_it(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and STEM in path.read_bytes()]


def test_a_secret_is_in_no_output_and_in_no_file(shop: Shop) -> None:
    day = ("--date", "2024-01-13")
    silent(shop, "run", "visits", *day)
    silent(shop, "-vv", "run", "visits", "--date", "2024-01-14")
    silent(shop, "--log-format", "json", "run", "visits", "--date", "2024-01-15")
    silent(shop, "run", "visits", *day, "--vars", "factor=7", code=1)
    silent(shop, "run", "visits", *day, "--vars", f"password={SECRET}")
    silent(shop, "--output", "json", "run", "visits", "--date", "2024-01-16", "--vars", "factor=7", code=1)
    shop.edit(f"{VISITS}/post_process.sql", "as odd", "as odd, cast({{ var('password') }} as integer) as no")
    silent(shop, "run", "visits", "--date", "2024-01-17", code=1)
    for form in ("text", "json", "ndjson", "csv"):
        for words in (
            ["compile", "visits", *day],
            ["plan", "visits", "--date", "2024-01-20"],
            ["config", "show"],
            ["config", "show", "visits"],
            ["runs"],
            ["logs"],
            ["status"],
            ["show", "visits", *day],
            ["ls"],
            ["query", "select * from augury_runs"],
        ):
            silent(shop, *words, "--output", form)
    called("doctor", folder=shop.root, env=ENV)
    assert files_with_it(shop.root) == []


def test_a_secret_is_masked_and_not_dropped(shop: Shop) -> None:
    answer = worked(called("config", "show", folder=shop.root, env=ENV))
    assert "postgres://me:***@host/db" in answer.out


@pytest.mark.parametrize(
    "words",
    [
        ["run", "visits", "--date", SECRET],
        ["run", SECRET, "--date", "2024-01-13"],
        ["-t", SECRET, "ls"],
        ["ls", f"--{SECRET}"],
        ["query", f"select '{SECRET.replace(chr(39), chr(39) * 2)}' from nowhere"],
        ["ls", "--vars", f"{SECRET}"],
        [SECRET],
    ],
)
def test_a_secret_that_was_typed_is_not_repeated(shop: Shop, words: list[str]) -> None:
    answer = typed(*words, folder=shop.root, env=ENV)
    assert answer.code in (1, 2)
    assert STEM.decode() not in answer.said


def test_a_secret_given_as_a_variable_is_remembered_by_nobody(visits: Shop) -> None:
    visits.edit(f"{VISITS}/pipeline.yml", "entity:", "vars: {api_token: none}\nentity:")
    silent(visits, "run", "visits", "--date", "2024-01-10", "--vars", "api_token=hunter2xyz")
    assert "api_token=***" in called("runs", "--output", "json", folder=visits.root).out
    assert files_with_it(visits.root / ".augury") == []


def test_a_secret_is_not_in_the_message_about_broken_yaml(shop: Shop) -> None:
    shop.edit("augury.yml", "timezone: UTC", "timezone: '${DB_PASSWORD}'")
    answer = called("ls", folder=shop.root, env=ENV)
    refused(answer, 2, "augury.yml:2", "timezone")
    assert STEM.decode() not in answer.said


def test_a_crash_keeps_the_secret(shop: Shop) -> None:
    """What a dead run leaves in the ledger and its log is masked as well."""
    shop.edit(f"{VISITS}/hooks.py", "    return rows", "    import os; os._exit(9)")
    typed("run", "visits", "--date", "2024-01-13", "--vars", f"password={SECRET}", folder=shop.root, env=ENV)
    called("runs", folder=shop.root, env=ENV)
    assert files_with_it(shop.root / NAMESPACE) == []


def test_z_no_secret_lies_in_the_repository(tmp_path: Path) -> None:
    """The scan of .ci/run finds one that somebody adds, and finds none that is there."""
    hook = Path(sys.executable).with_name("detect-secrets-hook")
    key = "AKIA" + "IOSFODNN7" + "EXAMPLE"
    planted = tmp_path / "settings.py"
    planted.write_text(f'aws = "{key}"\n')
    found = subprocess.run(
        [hook, "--baseline", ROOT / ".secrets.baseline", planted], cwd=ROOT, capture_output=True, check=False
    )
    assert found.returncode == 1
    assert "secret scan" in (ROOT / ".ci/run").read_text()
