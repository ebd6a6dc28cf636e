"""Every notifier keeps the shipped contract, against real servers (AA5)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from augury import plugins
from augury.errors import NotifierFailed
from augury.notifiers.contract import Message, Notifier
from augury.testing.fakes import KeepingNotifier
from augury.testing.notifier_contract import MESSAGE, ODD, NotifierContract
from tests.mailboxes import USER, WORD, Hook, Mailbox, listening, mail_server


def made(kind: str, **options: Any) -> Notifier:
    found = plugins.load("notifiers", kind)
    notifier: Notifier = found(found.Options.model_validate(options))
    return notifier


class TestKeepingNotifier(NotifierContract):
    @pytest.fixture
    def notifier(self) -> KeepingNotifier:
        return KeepingNotifier()

    @pytest.fixture
    def received(self, notifier: KeepingNotifier) -> Callable[[], list[str]]:
        return lambda: [f"{each.project} {each.target} {each.title} {each.text}" for each in notifier.messages]

    @pytest.fixture
    def broken(self) -> tuple[Notifier, str]:
        notifier = KeepingNotifier()
        notifier.error = "nobody is there"
        return notifier, ""


class TestConsole(NotifierContract):
    @pytest.fixture
    def notifier(self) -> Notifier:
        return made("console")

    @pytest.fixture
    def received(self, capfd: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
        return lambda: [f"shop prod{each}" for each in capfd.readouterr().out.split("[shop prod]")[1:]]

    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> tuple[Notifier, str]:
        class Closed:
            encoding = "utf-8"

            def write(self, text: str) -> None:
                raise BrokenPipeError(32, "Broken pipe")

        monkeypatch.setattr("augury.notifiers.console.sys", SimpleNamespace(__stdout__=Closed()))
        return made("console"), ""

    def test_a_program_reads_a_document_a_line(self, capfd: pytest.CaptureFixture[str]) -> None:
        import json

        made("console", form="json").send(MESSAGE)
        (line,) = capfd.readouterr().out.splitlines()
        assert Message.from_dict(json.loads(line)) == MESSAGE


class TestWebhook(NotifierContract):
    form = "json"

    @pytest.fixture
    def hook(self) -> Iterator[Hook]:
        with listening() as hook:
            yield hook

    @pytest.fixture
    def notifier(self, hook: Hook) -> Notifier:
        return made("webhook", url=hook.url, form=self.form)

    @pytest.fixture
    def received(self, hook: Hook) -> Callable[[], list[str]]:
        return lambda: [" ".join(map(str, document.values())) for _, document in hook.posted]

    @pytest.fixture
    def broken(self) -> tuple[Notifier, str]:
        with listening() as gone:
            pass
        return made("webhook", url=gone.url, form=self.form), "hook-word-1"

    def test_every_field_is_there_and_the_id_stays_the_same(self, hook: Hook, notifier: Notifier) -> None:
        notifier.send(MESSAGE)
        notifier.send(MESSAGE)
        (headers, document), (again, _) = hook.posted
        assert Message.from_dict(document) == MESSAGE
        assert headers["content-type"].startswith("application/json")
        assert headers["idempotency-key"] == again["idempotency-key"] == MESSAGE.id

    @pytest.mark.parametrize("status", [302, 403, 404, 429, 500])
    def test_an_answer_that_is_no_success_is_told_with_its_words(self, hook: Hook, status: int) -> None:
        """A redirection too: the address that it leads to would be asked without the message."""
        hook.answers = [(status, "hook-word-1 is not\nknown")]
        with pytest.raises(NotifierFailed, match=f"the webhook at 127.0.0.1 answered {status}") as caught:
            made("webhook", url=hook.url, headers={"Authorization": "Bearer hook-word-2"}).send(MESSAGE)
        assert "is not known" in str(caught.value)
        assert hook.posted == []

    def test_an_id_never_becomes_a_header(self, hook: Hook, notifier: Notifier) -> None:
        notifier.send(replace(MESSAGE, id=ODD))
        assert "\n" not in hook.posted[0][0]["idempotency-key"]

    def test_headers_are_sent_and_shown_nowhere(self, hook: Hook) -> None:
        notifier: Any = made("webhook", url=hook.url, headers={"Authorization": "Bearer hook-word-2"})
        notifier.send(MESSAGE)
        assert hook.posted[0][0]["authorization"] == "Bearer hook-word-2"
        assert "word" not in repr(notifier._options)

    def test_a_server_that_says_nothing_is_given_up_in_time(self) -> None:
        import socket

        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            with pytest.raises(NotifierFailed, match="timed out"):
                made("webhook", url=url, timeout="0.2s").send(MESSAGE)


class TestSlack(NotifierContract):
    @pytest.fixture
    def hook(self) -> Iterator[Hook]:
        with listening() as hook:
            yield hook

    @pytest.fixture
    def notifier(self, hook: Hook) -> Notifier:
        return made("webhook", url=hook.url, form="slack")

    @pytest.fixture
    def received(self, hook: Hook) -> Callable[[], list[str]]:
        def read() -> list[str]:
            return [
                " ".join([document["blocks"][0]["text"]["text"], document["blocks"][1]["elements"][0]["text"]])
                for _, document in hook.posted
            ]

        return read

    @pytest.fixture
    def broken(self) -> tuple[Notifier, str]:
        with listening() as gone:
            pass
        return made("webhook", url=gone.url, form="slack"), "hook-word-1"

    def test_it_is_what_slack_takes(self, hook: Hook, notifier: Notifier) -> None:
        notifier.send(replace(MESSAGE, text="<!channel> & " + "x" * 5000))
        _, document = hook.posted[0]
        block = document["blocks"][0]["text"]
        assert document["text"] == MESSAGE.title
        assert block["type"] == "mrkdwn"
        assert block["text"].startswith(f"*{MESSAGE.title}*\n&lt;!channel&gt; &amp; x")
        assert len(block["text"]) < 3000


@pytest.fixture(params=["starttls", "ssl", "none"])
def tls(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# Of aiosmtpd, where the whole connection is encrypted: it does not count that as TLS.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
class TestEmail(NotifierContract):
    @pytest.fixture
    def box(self, tmp_path: Path, tls: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
        with mail_server(tmp_path, tls) as box:
            monkeypatch.setenv("SSL_CERT_FILE", str(box.certificate))
            yield box

    @pytest.fixture
    def options(self, box: Mailbox, tls: str) -> dict[str, Any]:
        account = {} if tls == "none" else {"user": USER, "password": WORD}
        people = {"sender": "augury@example.org", "to": ["ana@example.org", "bob@example.org"]}
        return {"host": "127.0.0.1", "port": box.port, "tls": tls, **people, **account}

    @pytest.fixture
    def notifier(self, options: dict[str, Any]) -> Notifier:
        return made("email", **options)

    @pytest.fixture
    def received(self, box: Mailbox) -> Callable[[], list[str]]:
        def read() -> list[str]:
            return [f"{mail['Subject']}\n\n{mail.get_content()}" for mail in box.mails]

        return read

    @pytest.fixture
    def broken(self, options: dict[str, Any], tls: str) -> tuple[Notifier, str]:
        if tls == "none":
            return made("email", **{**options, "tls": "starttls"}), ""
        return made("email", **{**options, "password": "mail-word-2"}), "mail-word-2"  # pragma: allowlist secret

    def test_everybody_gets_one_mail_whose_id_stays_the_same(self, box: Mailbox, notifier: Notifier) -> None:
        notifier.send(MESSAGE)
        notifier.send(MESSAGE)
        first, second = box.mails
        assert first["Subject"] == "[shop prod] ltv failed: 2 dates, 2026-01-04 to 2026-01-05"
        assert box.recipients[0] == ("ana@example.org", "bob@example.org")
        assert first["Message-ID"] == second["Message-ID"]

    def test_a_title_never_becomes_a_header(self, box: Mailbox, notifier: Notifier) -> None:
        notifier.send(replace(MESSAGE, title=ODD, id=ODD))
        (mail,) = box.mails
        assert mail["Subject"] == "[shop prod] a Bcc: eve@example.org <&> ñ 日本"
        assert mail["Bcc"] is None
        assert box.recipients == [("ana@example.org", "bob@example.org")]

    def test_a_server_whose_certificate_is_not_trusted_gets_nothing(
        self, box: Mailbox, notifier: Notifier, tls: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        if tls == "none":
            notifier.send(MESSAGE)
            assert len(box.mails) == 1
            return
        with pytest.raises(NotifierFailed, match=r"CERTIFICATE_VERIFY_FAILED"):
            notifier.send(MESSAGE)
        assert box.mails == []


def test_a_notifier_may_be_used_by_another_thread() -> None:
    with listening() as hook:
        notifier = made("webhook", url=hook.url)
        thread = threading.Thread(target=notifier.send, args=(MESSAGE,))
        thread.start()
        thread.join()
        assert hook.titles == [MESSAGE.title]
