"""How is a message posted to an address? As plain JSON, or in the form that Slack and its like understand."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema

from augury import __version__
from augury.errors import NotifierFailed
from augury.notifiers.contract import Message
from augury.spec.secrets import SHORTEST
from augury.spec.settings import Seconds, Settings

LONGEST = 2900
"""Characters of a text block: Slack refuses 3000."""
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
"""What Slack would take for markup."""


def _address(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("this is not an address: write https://host/path")
    return value


def _headers(value: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, secret in value.items():
        text = name + secret.get_secret_value()
        if not (name and name.isascii() and text.isprintable()) or ":" in name or " " in name:
            raise ValueError(f"{name!r} is not a header: write Authorization: Bearer ${{TOKEN}}")
    return value


class WebhookOptions(Settings):
    url: Annotated[SecretStr, AfterValidator(_address), WithJsonSchema({"type": "string"})]
    """Where to post. It is a secret: whoever knows it can post."""
    form: Literal["json", "slack"] = "json"
    """`json`: every field of the message; `slack`: what incoming webhooks of Slack and Mattermost take."""
    headers: Annotated[dict[str, SecretStr], AfterValidator(_headers)] = Field(default_factory=dict)
    """More headers, such as `Authorization`; their values are secrets."""
    timeout: Annotated[Seconds, Field(gt=0)] = 10.0
    """How long the other side may be silent."""


class Webhook:
    """Posts messages to an address."""

    Options: ClassVar[type[WebhookOptions]] = WebhookOptions

    def __init__(self, options: WebhookOptions) -> None:
        self._options = options
        self._host = urlsplit(options.url.get_secret_value()).hostname

    def send(self, message: Message) -> None:
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import HTTPRedirectHandler, Request, build_opener

        class NoRedirect(HTTPRedirectHandler):
            """A redirected POST becomes a GET, and the message would be lost with a 200."""

            def redirect_request(self, *_: Any) -> None:
                return None

        request = Request(
            self._options.url.get_secret_value(), data=body(message, self._options.form), headers=self._headers(message)
        )
        try:
            with build_opener(NoRedirect).open(request, timeout=self._options.timeout) as answer:
                answer.read(1024)
        except HTTPError as error:
            with error:
                said = error.read(300).decode("utf-8", "replace")
            raise self._failed(f"answered {error.code}", " ".join(said.split())) from error
        except (OSError, HTTPException, ValueError) as error:
            raise self._failed("cannot be reached", str(getattr(error, "reason", error))) from error

    def _headers(self, message: Message) -> dict[str, str]:
        given = {name: secret.get_secret_value() for name, secret in self._options.headers.items()}
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": f"augury/{__version__}",
            "Idempotency-Key": quote(message.id, safe="/ "),
            **given,
        }

    def _failed(self, what: str, why: str) -> NotifierFailed:
        address = self._options.url.get_secret_value()
        parts = urlsplit(address)
        secrets = [
            address,
            parts.path,
            parts.query,
            *(each.get_secret_value() for each in self._options.headers.values()),
        ]
        for secret in secrets:
            why = why.replace(secret, "***") if len(secret) >= SHORTEST else why
        return NotifierFailed(
            f"the webhook at {self._host} {what}", why=why or None, fix="Check `url` of the notifier."
        )


def body(message: Message, form: Literal["json", "slack"]) -> bytes:
    """What is posted."""
    found = message.as_dict() if form == "json" else _slack(message)
    return json.dumps(found).encode()


def _slack(message: Message) -> dict[str, Any]:
    title, text = _escaped(message.title), _escaped(message.text)
    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*\n{text}"[:LONGEST]}}
    place = {"type": "mrkdwn", "text": _escaped(f"{message.project} on {message.target}")}
    return {"text": title, "blocks": [block, {"type": "context", "elements": [place]}]}


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)
