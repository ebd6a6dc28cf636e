"""Whom the service tells of what goes wrong: once per incident, through restarts, and without harm (OR3, AA5, OR2)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from augury.ledger.queue_records import QueuedTask, TaskState
from augury.service.sending import ATTEMPTS
from tests.cli_runner import typed, worked
from tests.mailboxes import Hook, Mailbox, listening, mail_server
from tests.projects import AUGURY, SPENT, Shop, days, orders_of

BY_HAND = "schedule: {paused: true}\n"
AT_SIX = "schedule: {cron: '0 6 * * *', timezone: Europe/Madrid}\n"
BREAKS = SPENT.replace("sum(amount)", "case when {{ run_date }} in (%s) then error('no such country') end")
HELD = "select count(*) > 3 as enough from {{ staging() }}\n"


def breaks(*dates: str) -> str:
    return BREAKS % ", ".join(f"date '{each}'" for each in dates)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as hook:
        yield hook


@pytest.fixture
def shop(tmp_path: Path, hook: Hook) -> Shop:
    made = Shop.at(tmp_path / "shop", AUGURY + f"notifiers: {{team: {{type: webhook, url: '{hook.url}'}}}}\n")
    return made.orders(*orders_of(["ann", "bob"], days("2026-01-01", "2026-02-01")))


def later(shop: Shop, **by: float) -> Shop:
    shop.now += timedelta(**by)
    return shop


def test_one_message_when_dates_fail_and_one_when_they_are_well_or3(shop: Shop, hook: Hook) -> None:
    shop.pipeline(settings=BY_HAND, prepare=breaks("2026-01-04", "2026-01-05"))
    run_id = shop.submit("ltv", "2026-01-03", "2026-01-08").run_id
    shop.serve(concurrency=1)
    (title,) = hook.titles
    assert title.startswith("ltv failed: ")
    (_, document) = hook.posted[0]
    assert document["run_id"] == run_id
    assert document["dates"][0] == "2026-01-04"
    assert "no such country" in document["text"]
    assert f"augury logs --run {run_id}" in document["text"]
    assert "augury backfill ltv --start 2026-01-04" in document["text"]
    shop.serve()
    assert len(hook.posted) == 1, "a restart sends nothing twice"
    shop.pipeline(settings=BY_HAND, prepare=SPENT)
    with later(shop, minutes=5).open() as project:
        assert project.revive() == 2
    shop.serve()
    assert hook.titles[1:] == ["ltv recovered: 2 dates, 2026-01-04 to 2026-01-05"]
    shop.serve()
    assert len(hook.posted) == 2


def test_a_failure_that_is_tried_again_is_told_after_the_last_attempt_or3(shop: Shop, hook: Hook) -> None:
    throttle = "throttle: {default: {retries: 2, backoff: 60s}}\n"
    shop.pipeline(settings=BY_HAND + throttle, prepare=breaks("2026-01-04"))
    shop.submit("ltv", "2026-01-04")
    for failures in (1, 2):
        _until(shop, partial(_failed, failures))
        assert hook.posted == []
        later(shop, minutes=5)
    shop.serve()
    assert hook.titles == ["ltv failed: 2026-01-04"]


def test_a_failure_that_a_retry_mended_is_told_to_nobody(shop: Shop, hook: Hook) -> None:
    shop.pipeline(settings=BY_HAND + "throttle: {default: {retries: 1, backoff: 60s}}\n", prepare=breaks("2026-01-04"))
    shop.submit("ltv", "2026-01-04")
    _until(shop, partial(_failed, 1))
    shop.pipeline(settings=BY_HAND + "throttle: {default: {retries: 1, backoff: 60s}}\n", prepare=SPENT)
    later(shop, minutes=2).serve()
    assert shop.statuses() == {"2026-01-04": "succeeded"}
    assert hook.posted == []


def test_held_dates_and_expired_ones_are_told_with_what_to_do(shop: Shop, hook: Hook) -> None:
    shop.pipeline(settings=BY_HAND, prepare=SPENT, validation=HELD)
    shop.submit("ltv", "2026-01-04")
    shop.serve()
    assert hook.titles == ["ltv held: 2026-01-04"]
    assert "augury run ltv --date 2026-01-04 --accept CHECK" in hook.posted[0][1]["text"]
    shop.pipeline("rfm", settings=BY_HAND + "throttle: {default: {delay: 1h, expires: 2h}}\n", prepare=SPENT)
    shop.submit("rfm", "2026-01-04")
    _until(shop, lambda tasks: tasks[0].state is TaskState.QUEUED)
    later(shop, hours=3).serve()
    assert hook.titles[1:] == ["rfm expired: 2026-01-04"]


def test_a_date_that_is_not_published_in_time_is_overdue_or2(shop: Shop, hook: Hook) -> None:
    """Its sources do not come; when they do, it is published, and that is told."""
    shop.pipeline(settings=AT_SIX.replace("}", ", poll: '30 * * * *'}"), start="2026-01-09", prepare=SPENT)
    shop.orders(*orders_of(["ann"], days("2026-01-01", "2026-01-09")))
    shop.now = datetime(2026, 1, 9, 7, tzinfo=UTC)
    shop.serve()
    assert shop.statuses() == {"2026-01-09": "succeeded"}
    shop.now = datetime(2026, 1, 10, 6, 50, tzinfo=UTC)
    shop.serve()
    assert hook.posted == []
    later(shop, minutes=15).serve()
    assert hook.titles == ["ltv overdue: 2026-01-10"]
    assert "2026-01-10 was due 2026-01-10 06:00 CET (05:00 UTC)" in hook.posted[0][1]["text"]
    shop.orders(*orders_of(["ann"], days("2026-01-01", "2026-01-11")))
    later(shop, hours=1).serve()
    assert shop.statuses()["2026-01-10"] == "succeeded"
    assert hook.titles[1:] == ["ltv recovered: 2026-01-10"]


def test_the_foreground_tells_nobody(shop: Shop, hook: Hook) -> None:
    shop.pipeline(settings=BY_HAND, prepare=breaks("2026-01-04"))
    shop.run("ltv", "2026-01-04")
    shop.serve()
    assert shop.statuses() == {"2026-01-04": "failed"}
    assert hook.posted == []


def test_a_notifier_hears_only_of_what_it_asked_for(shop: Shop, hook: Hook) -> None:
    shop.edit("augury.yml", "type: webhook,", "type: webhook, on: [held, recovered],")
    shop.pipeline(settings=BY_HAND, prepare=breaks("2026-01-04"))
    shop.submit("ltv", "2026-01-04")
    shop.serve()
    shop.pipeline(settings=BY_HAND, prepare=SPENT)
    with shop.open() as project:
        project.revive()
    shop.serve()
    assert hook.posted == [], "who was not told of a failure does not hear of its end"


def test_a_notifier_that_fails_breaks_nothing_and_is_tried_again(shop: Shop, hook: Hook) -> None:
    hook.answers = [(500, "busy"), (503, "busy")]
    shop.pipeline(settings=BY_HAND, prepare=breaks("2026-01-04"))
    shop.submit("ltv", "2026-01-03", "2026-01-06")
    said = shop.serve(concurrency=1)
    assert shop.statuses() == {"2026-01-03": "succeeded", "2026-01-04": "failed", "2026-01-05": "succeeded"}
    assert any("team was not told: the webhook at 127.0.0.1 answered 500; busy; again in 3" in line for line in said)
    assert hook.posted == []
    shop.serve()
    assert hook.asked == 1, "not before its pause is over"
    later(shop, minutes=1).serve()
    later(shop, minutes=2).serve()
    assert hook.titles == ["ltv failed: 2026-01-04"]


def test_a_message_that_nobody_takes_is_given_up_in_the_end(shop: Shop, hook: Hook) -> None:
    hook.answers = [(500, "down")] * (ATTEMPTS + 5)
    shop.pipeline(settings=BY_HAND, prepare=breaks("2026-01-04"))
    shop.submit("ltv", "2026-01-04")
    said = [line for _ in range(ATTEMPTS + 2) for line in later(shop, hours=2).serve()]
    assert hook.asked == ATTEMPTS
    (last,) = [line for line in said if line.startswith("error: team is not told")]
    assert f"after {ATTEMPTS} attempts: ltv failed: 2026-01-04" in last


def test_no_secret_is_in_a_message_or_in_what_the_service_says(shop: Shop, hook: Hook) -> None:
    hook.answers = [(500, "nothing at /services/hook-word-1")]
    shop.pipeline(settings=BY_HAND, prepare=breaks("2026-01-04").replace("no such country", hook.url))
    shop.submit("ltv", "2026-01-04")
    said = shop.serve() + later(shop, minutes=1).serve()
    assert "no such" not in str(hook.posted)
    assert len(hook.posted) == 1
    assert "hook-word-1" not in str(hook.posted) + str(said)


# aiosmtpd does not count a wholly encrypted connection as TLS.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_mail_and_webhook_are_told_side_by_side(
    shop: Shop, hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(tmp_path / "mail", "ssl") as box:
        monkeypatch.setenv("SSL_CERT_FILE", str(box.certificate))
        shop.edit("augury.yml", "notifiers: {", f"notifiers: {{ops: {_mail(box)}, ")
        shop.pipeline(settings=BY_HAND, prepare=breaks("2026-01-04"))
        shop.submit("ltv", "2026-01-04")
        shop.serve()
        assert [mail["Subject"] for mail in box.mails] == ["[shop dev] ltv failed: 2026-01-04"]
        assert hook.titles == ["ltv failed: 2026-01-04"]


def test_a_message_on_stdout_can_be_read_beside_the_log_lines_aa3(shop: Shop) -> None:
    """Standard output is the notifier's alone, and standard error JSON from the first line to the last (R3)."""
    team = shop.text("augury.yml").splitlines()[-1]
    shop.edit("augury.yml", team, "notifiers: {screen: {type: console, form: json}}\nservice: {metrics: 0}")
    shop.pipeline(settings=BY_HAND, prepare=breaks("2026-01-04"))
    run_id = shop.submit("ltv", "2026-01-03", "2026-01-05").run_id
    served = worked(typed("up", "--until-idle", "--log-format", "json", folder=shop.root))
    (message,) = [json.loads(line) for line in served.out.splitlines()]
    assert (message["title"], message["run_id"]) == ("ltv failed: 2026-01-04", run_id)
    lines = [json.loads(line) for line in served.err.splitlines()]
    steps = [line for line in lines if line.get("event") == "step_finished"]
    assert {(line["pipeline"], line["run_id"]) for line in steps} == {("ltv", run_id)}
    assert ("2026-01-03", "publish") in [(line["date"], line["step"]) for line in steps]
    (failed,) = [line for line in lines if line.get("event") == "date_finished" and line["level"] == "error"]
    assert (failed["date"], failed["extra"]["status"]) == ("2026-01-04", "failed")


def _mail(box: Mailbox) -> str:
    account = "user: augury, password: mail-word-1"
    return f"{{type: email, host: 127.0.0.1, port: {box.port}, tls: ssl, sender: a@b.c, to: d@e.f, {account}}}"


def _failed(failures: int, tasks: list[QueuedTask]) -> bool:
    return tasks[0].failures == failures


def _until(shop: Shop, seen: Callable[[list[QueuedTask]], bool]) -> None:
    """Serve until the queue is as a test waits for it, which is never idle where tasks wait for their time."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.05):
            if seen([each.task for each in shop.tasks()]):
                stop.set()

    watch = threading.Thread(target=look)
    watch.start()
    limit = threading.Timer(60, stop.set)
    limit.start()
    with shop.open() as project:
        project.serve(stop, concurrency=1)
    watch.join()
    assert limit.is_alive()
    limit.cancel()
