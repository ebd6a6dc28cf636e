"""Which values must never be shown, and how are they kept out of text?

Every front passes what it prints, logs or returns through one `Masker`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs, quote, quote_plus, unquote, urlsplit

MASK = "***"
SHORTEST = 4
"""Shorter values are not masked: they would blot out ordinary words."""
_WORDS = frozenset(("SECRET", "TOKEN", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL"))
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):([^\s/@]+)@")


def looks_secret(name: str) -> bool:
    """Whether the name of an environment variable says that its value is secret, as `DB_PASSWORD` does."""
    words = name.upper().split("_")
    return any(word in _WORDS or word.removesuffix("S") in _WORDS for word in words)


def secrets_in(variables: Mapping[str, object]) -> frozenset[str]:
    """Values of variables whose names say that they are secret."""
    return frozenset(str(value) for name, value in variables.items() if value and looks_secret(name))


def passwords_in(address: str) -> frozenset[str]:
    """Every password in the address of a database, as it is written and as it is meant."""
    parts = urlsplit(address)
    found = {parts.password or "", *parse_qs(parts.query).get("password", ())}
    return frozenset(form for word in found if word for form in (word, unquote(word)))


class Masker:
    """Replaces secrets in text, however they were written into it."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        ordered = sorted(forms, key=len, reverse=True)  # the longest first: one secret may contain another
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def mask(self, text: str) -> str:
        """`text` with every secret, and the password of every URL, replaced by ***."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return _URL_PASSWORD.sub(rf"\1:{MASK}@", text) if "://" in text else text


def _forms(secret: str) -> set[str]:
    written = {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        secret.replace("'", "''"),  # as an SQL literal
    }
    if "\n" in secret:  # logs cut text into lines
        written.update(secret.splitlines())
    return {form for form in written if len(form.strip()) >= SHORTEST}
