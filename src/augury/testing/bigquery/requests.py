"""What is asked, and what is answered? Values between the socket and the handlers."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from augury.testing.bigquery import shapes
from augury.testing.bigquery.refusals import Refusal, invalid

T = TypeVar("T")
MOST_ROWS = 50_000
"""Rows of one page. The service stops at 10 MB; BigQuery docs: "Read data with the API using pagination"."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    raw: bytes = b""

    def body(self) -> dict[str, Any]:
        """The JSON object that came along."""
        try:
            found = json.loads(self.raw or b"{}")
        except ValueError as error:
            raise invalid(f"The request body is no JSON: {error}.") from None
        except RecursionError:
            raise invalid("The request body is nested too deeply.") from None
        if not isinstance(found, dict):
            raise invalid("The request body must be a JSON object.")
        shapes.check(found)
        return found

    def number(self, name: str, usual: int) -> int:
        text = self.query.get(name)
        if text is None or text == "":
            return usual
        if not text.isdigit() or len(text) > 18:
            raise invalid(f"Invalid value for {name}: {text[:40]!r} is no number.")
        return int(text)

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"

    @property
    def microseconds(self) -> bool:
        return self.flag("formatOptions.useInt64Timestamp")


@dataclass(frozen=True)
class Answer:
    body: Mapping[str, Any] | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def etag(*parts: object) -> str:
    text = "\x1f".join(map(str, parts))
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:16]).decode()


def check_etag(request: Request, current: str) -> None:
    """BigQuery docs: REST "datasets.patch", "tables.patch": `If-Match` makes an update conditional."""
    wanted = request.headers.get("if-match")
    if wanted not in (None, "*", "", current):
        raise Refusal("conditionNotMet", "Precondition check failed.")


def token_of(position: int) -> str:
    return base64.urlsafe_b64encode(f"p{position}".encode()).decode()


def position_of(token: str | None) -> int:
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        text = ""
    if not text[:1] == "p" or not text[1:].isdigit():
        raise invalid("Invalid pageToken.")
    return int(text[1:])


def page(request: Request, found: Sequence[T], usual: int = 50) -> tuple[Sequence[T], dict[str, str]]:
    """One page of a list, and the token of the next."""
    start = position_of(request.query.get("pageToken"))
    size = request.number("maxResults", usual)
    more = {"nextPageToken": token_of(start + size)} if start + size < len(found) else {}
    return found[start : start + size], more


def merged(before: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A resource after PATCH: null removes a key, objects are merged key by key (labels)."""
    out = dict(before)
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, Mapping):
            out[key] = merged(out.get(key) or {}, value)
        else:
            out[key] = value
    return out
