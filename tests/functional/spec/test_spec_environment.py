"""Values of the environment in YAML, and secrets that never leave."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from augury.spec.interpolate import Interpolator
from augury.spec.resolved import project_values
from augury.spec.secrets import Masker, looks_secret
from tests.functional.spec.folder import PROJECT, Shop

ENVIRONMENT = {"HOST": "db.example.com", "EMPTY": "", "THREADS": "4", "DB_PASSWORD": "s3cr3t/'\"é"}


@pytest.mark.parametrize(
    ("written", "read", "names"),
    [
        ("${HOST}", "db.example.com", ("HOST",)),
        ("https://${HOST}/${HOST}", "https://db.example.com/db.example.com", ("HOST",)),
        ("${NOT_SET:-local}", "local", ()),
        ("${EMPTY:-local}", "local", ()),  # as in a shell: `:-` is for empty ones too
        ("${EMPTY}", "", ("EMPTY",)),
        ("${NOT_SET:-}", "", ()),
        ("$${HOST}", "${HOST}", ()),
        ("$5 and $HOST", "$5 and $HOST", ()),
    ],
)
def test_t16_references_to_the_environment(written: str, read: str, names: tuple[str, ...]) -> None:
    assert Interpolator(ENVIRONMENT)(written) == (read, names)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("${NOT_SET}", "the environment variable NOT_SET is not set: set it, or write ${NOT_SET:-default}"),
        ("${HOST", "${HOST cannot be read: write ${NAME} or ${NAME:-default}; $${ means ${"),
        ("${a-b}", "${a-b} cannot be read: write ${NAME} or ${NAME:-default}; $${ means ${"),
    ],
)
def test_a_reference_that_has_no_value_is_a_problem_with_its_line(shop: Shop, written: str, message: str) -> None:
    shop.write("augury.yml", PROJECT + f"description: {written}\n")
    assert shop.problems(ENVIRONMENT) == [f"augury.yml:5  description: {message}"]


def test_an_unquoted_value_is_read_as_yaml_and_a_quoted_one_is_text(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "vars:\n  a: ${THREADS}\n  b: '${THREADS}'\n  c: ${NOPE:-true}\n")
    assert shop.read(environment=ENVIRONMENT).settings.vars == {"a": 4, "b": "4", "c": True}


def test_a_value_cannot_change_the_structure_of_the_file(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "description: ${HOST}\n")
    hostile = {"HOST": "x\ntargets: {prod: {}}\n# "}
    project = shop.read(environment=hostile)
    assert project.settings.description == hostile["HOST"]
    assert list(project.settings.targets) == ["dev"]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "API_KEY", "token", "MY_SECRETS", "GCP_CREDENTIALS", "PASSWD"])
def test_z_the_name_of_a_variable_says_that_it_is_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["HOST", "MONKEY", "KEYBOARD", "TOKENIZER", "USER"])
def test_an_ordinary_name_says_nothing(name: str) -> None:
    assert not looks_secret(name)


def test_z_secrets_are_collected_and_masked_in_every_form(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "vars: {password: '${DB_PASSWORD}', host: '${HOST}'}\n")
    project = shop.read(environment=ENVIRONMENT)
    secret = ENVIRONMENT["DB_PASSWORD"]

    assert project.secrets == {secret}
    assert secret not in repr(project)  # the fields that hold it directly
    mask = Masker(project.secrets).mask
    for form in (secret, repr(secret), json.dumps(secret), quote(secret, safe=""), f"'{secret}'"):
        assert "s3cr3t" not in mask(f"cannot connect with {form} to {ENVIRONMENT['HOST']}")
    shown = {value.key: value.value for value in project_values(project)}
    assert shown["vars.password"] == "***"
    assert shown["vars.host"] == "db.example.com"


def test_z_a_problem_does_not_show_the_secret_that_caused_it(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "timezone2: UTC\ntargets: {dev: {threads: '${API_TOKEN}'}}\n")
    shown = shop.problems({"API_TOKEN": "tk-123456"})
    assert "augury.yml:6  targets.dev.threads: expected a whole number, found '***'" in shown


def test_a_default_written_in_the_file_is_not_a_secret(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "vars: {column: '${PARTITION_KEY:-customer_id}'}\n")
    assert shop.read().secrets == frozenset()


def test_short_values_are_left_alone_and_passwords_of_urls_are_not() -> None:
    mask = Masker({"abc"}).mask
    assert mask("abc") == "abc"
    assert mask("postgresql://shop:hunter2@db/ledger") == "postgresql://shop:***@db/ledger"


def test_one_secret_inside_another_leaves_no_rest() -> None:
    assert Masker({"abcd", "abcdefgh"}).mask("abcdefgh") == "***"
