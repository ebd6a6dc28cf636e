"""Are notifiers read, checked with every problem at once, and kept secret?"""

from __future__ import annotations

import json

import jsonschema
import pytest

from augury.spec.json_schema import json_schema
from augury.spec.resolved import project_values
from tests.functional.spec.folder import PIPELINE, PROJECT, SQL, YML, Shop

TEAM = """\
notifiers:
  team: {type: webhook, url: "${CHAT_ADDRESS}", form: slack, on: [failed, recovered]}
  screen: {type: console}
"""
MAIL = """\
notifiers:
  ops:
    type: email
    host: mail.example.org
    sender: augury@example.org
    to: ana@example.org
    user: augury
    password: ${MAIL_WORD}
"""


def with_notifiers(shop: Shop, text: str) -> Shop:
    shop.write("augury.yml", PROJECT + text)
    return shop


def test_notifiers_have_a_type_occasions_and_options(shop: Shop) -> None:
    project = with_notifiers(shop, TEAM).read(environment={"CHAT_ADDRESS": "https://chat.example.org/x1"})
    team, screen = project.settings.notifiers.values()
    assert (team.type, team.on) == ("webhook", ["failed", "recovered"])
    assert team.options == {"url": "https://chat.example.org/x1", "form": "slack"}
    assert screen.on == ["failed", "held", "expired", "overdue", "recovered"]


@pytest.mark.parametrize(
    ("text", "environment", "secret"),
    [
        (TEAM, {"CHAT_ADDRESS": "https://chat.example.org/hush"}, "hush"),
        (MAIL, {"MAIL_WORD": "hush-hush"}, "hush"),
        ('notifiers: {t: {type: webhook, url: "http://h/", headers: {X: hush-1}}}\n', {}, "hush"),
    ],
)
def test_a_secret_of_a_notifier_is_shown_nowhere(
    shop: Shop, text: str, environment: dict[str, str], secret: str
) -> None:
    project = with_notifiers(shop, text).read(environment=environment)
    assert secret not in "".join(f"{each.key}={each.value}" for each in project_values(project))
    broken = text.replace("type: webhook", "type: webhook, frm: 1").replace("type: email", "type: email\n    frm: 1")
    shown = with_notifiers(shop, broken.replace("${CHAT", "ftp${CHAT")).problems(environment=environment)
    assert any("frm" in line for line in shown)
    assert secret not in "".join(shown)


def test_every_problem_of_every_notifier_comes_at_once(shop: Shop) -> None:
    with_notifiers(
        shop,
        """\
notifiers:
  a: {type: webhok}
  b: {type: webhook, url: somewhere, form: teams}
  c: {type: email, host: h, sender: me, to: [], tls: none, user: u, password: p}
  d: {type: console, frm: text}
  e: {type: console, on: [faild], targets: [prd]}
  f: {url: "https://h/"}
""",
    )
    assert shop.problems() == [
        "augury.yml:6  notifiers.a.type: there is no notifier called 'webhok' (installed: console, email, webhook)"
        "   did you mean 'webhook'?",
        "augury.yml:7  notifiers.b.url: this is not an address: write https://host/path",
        "augury.yml:7  notifiers.b.form: 'teams' is not one of json, slack",
        "augury.yml:8  notifiers.c.sender: 'me' is not an address: write ana@example.org",
        "augury.yml:8  notifiers.c.to: must not be empty",
        "augury.yml:9  notifiers.d.frm: unknown key   did you mean 'form'?",
        "augury.yml:10  notifiers.e.on.0: 'faild' is not one of failed, held, expired, overdue, recovered"
        "   did you mean 'failed'?",
        "augury.yml:10  notifiers.e.targets: there is no target called prd",
        "augury.yml:11  notifiers.f.type: is required",
    ]


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ("tls: none, user: u, password: p", "a password is not sent without `tls`"),
        ("user: u", "`user` and `password` go together"),
        ("port: 70000", "port: the number 70000 must be at most 65535"),
        ("timeout: 0s", "timeout: '0s' must be more than 0"),
    ],
)
def test_mail_options_that_cannot_be(shop: Shop, more: str, shown: str) -> None:
    with_notifiers(shop, f"notifiers: {{m: {{type: email, host: h, sender: a@b.c, to: a@b.c, {more}}}}}\n")
    (problem,) = shop.problems()
    assert shown in problem


def test_an_address_that_is_not_set_is_one_problem_and_none_on_other_targets(shop: Shop) -> None:
    with_notifiers(shop, TEAM)
    (problem,) = shop.problems()
    assert "notifiers.team.url: the environment variable CHAT_ADDRESS is not set" in problem
    targets = "targets: {dev: {}, prod: {path: other}}\n"
    with_notifiers(shop, targets + TEAM.replace("form: slack", "targets: [prod]"))
    assert shop.problems() == []
    with pytest.raises(Exception, match="CHAT_ADDRESS is not set"):
        shop.read(target="prod")


@pytest.mark.parametrize("value", ["2h", "30m"])
def test_when_a_date_is_overdue_may_be_said(shop: Shop, value: str) -> None:
    shop.write(YML, PIPELINE + f"schedule: {{notify_after: {value}}}\n")
    shop.write("pipelines/ltv/prepare.sql", SQL)
    assert shop.pipeline().settings.schedule.notify_after == {"2h": 7200.0, "30m": 1800.0}[value]


@pytest.mark.parametrize(
    ("notifier", "valid"),
    [
        ({"type": "console"}, True),
        ({"type": "webhook", "url": "https://h/", "form": "slack", "on": ["failed"]}, True),
        ({"type": "email", "host": "h", "sender": "a@b.c", "to": "a@b.c", "timeout": "5s"}, True),
        ({"type": "email", "host": "h", "sender": "a@b.c", "to": ["a@b.c"], "port": "${PORT}"}, True),
        ({"type": "webhook"}, False),
        ({"type": "webhook", "url": "https://h/", "host": "h"}, False),
        ({"type": "console", "on": ["always"]}, False),
        ({"url": "https://h/"}, False),
    ],
)
def test_the_json_schema_knows_the_options_of_each_type(notifier: dict[str, object], valid: bool) -> None:
    schema = json.loads(json.dumps(json_schema("project")))
    found = list(jsonschema.Draft202012Validator(schema).iter_errors({"name": "x", "notifiers": {"n": notifier}}))
    assert (found == []) is valid
