"""Is a Universal Binary JSON document whole?

XGBoost reads past the end of a file that was cut off, and may end the process; so a file from elsewhere is
walked through first. Nothing is built: values are skipped by their sizes.
"""

from __future__ import annotations

SIZES = {b"Z": 0, b"N": 0, b"T": 0, b"F": 0, b"C": 1, b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"d": 4, b"L": 8, b"D": 8}
"""Bytes after the marker of a value of fixed size."""
LENGTHS = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8}
DEEPEST = 100


def is_whole(data: bytes) -> bool:
    """Whether `data` is exactly one value."""
    try:
        return _after_value(data, 1, data[:1], 0) == len(data)
    except (KeyError, ValueError):
        return False


def _after_value(data: bytes, at: int, marker: bytes, depth: int) -> int:
    """The position behind a value whose marker ends before `at`."""
    if depth > DEEPEST or at > len(data):
        raise ValueError("too deep, or cut off")
    if marker in SIZES:
        return at + SIZES[marker]
    if marker in (b"S", b"H"):
        return _after_text(data, at)
    if marker not in (b"[", b"{"):
        raise ValueError("not a marker")
    kind = b""
    if data[at : at + 1] == b"$":
        kind, at = data[at + 1 : at + 2], at + 2
    if data[at : at + 1] == b"#":
        count, at = _length(data, at + 1)
        if kind in SIZES and marker == b"[":
            return at + count * SIZES[kind]
        if count > len(data):
            raise ValueError("more values than bytes")
        for _ in range(count):
            at = _after_item(data, at, marker, kind, depth)
        return at
    end = b"]" if marker == b"[" else b"}"
    while data[at : at + 1] != end:
        at = _after_item(data, at, marker, kind, depth)
    return at + 1


def _after_item(data: bytes, at: int, container: bytes, kind: bytes, depth: int) -> int:
    if container == b"{":
        at = _after_text(data, at)  # its key
    if not kind:
        kind, at = data[at : at + 1], at + 1
    return _after_value(data, at, kind, depth + 1)


def _after_text(data: bytes, at: int) -> int:
    length, at = _length(data, at)
    return at + length


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A length and the position behind it. Big-endian, as the standard says."""
    size = LENGTHS[data[at : at + 1]]
    length = int.from_bytes(data[at + 1 : at + 1 + size], "big", signed=True)
    if length < 0 or at + 1 + size > len(data):
        raise ValueError("no length")
    return length, at + 1 + size
