"""What is written between the quotes of a literal?

BigQuery docs: 'Lexical structure and syntax', string and bytes literals: quotes of one or three characters, prefixes
r and b in any case and order, and the escape sequences below.
"""

from __future__ import annotations

import re

_LITERAL = re.compile(r"""(?P<prefix>[rRbB]{0,2})(?P<quote>'''|\"\"\"|'|"|`)(?P<body>.*)(?P=quote)\Z""", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip


def text_of(source: str) -> str:
    """The value of a string literal or of a name in backticks. Raises ValueError with the sequence that is wrong."""
    prefix, body = _parts(source)
    return body if "r" in prefix else _ESCAPE.sub(lambda found: _character(found[0]), body)


def bytes_of(source: str) -> bytes:
    """The value of a bytes literal: \\x and octal sequences are bytes, other characters are UTF-8."""
    prefix, body = _parts(source)
    if "r" in prefix:
        return body.encode()
    out, at = bytearray(), 0
    for found in _ESCAPE.finditer(body):
        out += body[at : found.start()].encode()
        character = _character(found[0])
        if found[0][1] in "uU":
            raise ValueError(f"{found[0]} is no byte")
        out += bytes([ord(character)])
        at = found.end()
    return bytes(out + body[at:].encode())


def _parts(source: str) -> tuple[str, str]:
    found = _LITERAL.match(source)
    if found is None:
        raise ValueError("the quotes do not match")
    return found["prefix"].lower(), found["body"]


def _character(escape: str) -> str:
    kind = escape[1]
    if len(escape) == 2:
        if kind not in _SIMPLE:
            raise ValueError(f"{escape} is no escape sequence; write \\\\ for a backslash, or r'...'")
        return _SIMPLE[kind]
    code = int(escape[1:], 8) if kind.isdigit() else int(escape[2:], 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise ValueError(f"{escape} is no character")
    return chr(code)
