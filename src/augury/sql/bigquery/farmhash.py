"""What is the FarmHash Fingerprint64 of some bytes?

FARM_FINGERPRINT of BigQuery (docs: 'Hash functions') is this number as a signed INT64. The algorithm never changes;
written after its description in the paper trail of FarmHash (its `na` variant), in whole numbers of 64 bits.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F


def fingerprint(data: bytes) -> int:
    """As BigQuery gives it: signed."""
    value = _hash(data)
    return value - (1 << 64) if value >> 63 else value


def _hash(data: bytes) -> int:
    length = len(data)
    if length <= 16:
        return _up_to_16(data, length)
    if length <= 32:
        return _up_to_32(data, length)
    if length <= 64:
        return _up_to_64(data, length)
    return _longer(data, length)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _half(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _rotated(value: int, by: int) -> int:
    return ((value >> by) | (value << (64 - by))) & _MASK


def _mixed(value: int) -> int:
    return value ^ (value >> 47)


def _joined(u: int, v: int, factor: int) -> int:
    """Two words to one."""
    a = _mixed(((u ^ v) * factor) & _MASK)
    return (_mixed(((v ^ a) * factor) & _MASK) * factor) & _MASK


def _up_to_16(data: bytes, length: int) -> int:
    if length >= 8:
        factor = (_K2 + length * 2) & _MASK
        a = (_word(data, 0) + _K2) & _MASK
        b = _word(data, length - 8)
        c = (_rotated(b, 37) * factor + a) & _MASK
        d = ((_rotated(a, 25) + b) * factor) & _MASK
        return _joined(c, d, factor)
    if length >= 4:
        factor = (_K2 + length * 2) & _MASK
        return _joined((length + (_half(data, 0) << 3)) & _MASK, _half(data, length - 4), factor)
    if length:
        first = data[0] + (data[length >> 1] << 8)
        second = length + (data[length - 1] << 2)
        return (_mixed((first * _K2 ^ second * _K0) & _MASK) * _K2) & _MASK
    return _K2


def _up_to_32(data: bytes, length: int) -> int:
    factor = (_K2 + length * 2) & _MASK
    a = (_word(data, 0) * _K1) & _MASK
    b = _word(data, 8)
    c = (_word(data, length - 8) * factor) & _MASK
    d = (_word(data, length - 16) * _K2) & _MASK
    u = (_rotated((a + b) & _MASK, 43) + _rotated(c, 30) + d) & _MASK
    return _joined(u, (a + _rotated((b + _K2) & _MASK, 18) + c) & _MASK, factor)


def _up_to_64(data: bytes, length: int) -> int:
    factor = (_K2 + length * 2) & _MASK
    a = (_word(data, 0) * _K2) & _MASK
    b = _word(data, 8)
    c = (_word(data, length - 8) * factor) & _MASK
    d = (_word(data, length - 16) * _K2) & _MASK
    y = (_rotated((a + b) & _MASK, 43) + _rotated(c, 30) + d) & _MASK
    z = _joined(y, (a + _rotated((b + _K2) & _MASK, 18) + c) & _MASK, factor)
    e = (_word(data, 16) * factor) & _MASK
    f = _word(data, 24)
    g = ((y + _word(data, length - 32)) * factor) & _MASK
    h = ((z + _word(data, length - 24)) * factor) & _MASK
    u = (_rotated((e + f) & _MASK, 43) + _rotated(g, 30) + h) & _MASK
    return _joined(u, (e + _rotated((f + a) & _MASK, 18) + g) & _MASK, factor)


def _pair(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """32 bytes and two seeds to two words."""
    w, x, y, z = (_word(data, at + step) for step in (0, 8, 16, 24))
    a = (a + w) & _MASK
    b = _rotated((b + a + z) & _MASK, 21)
    c = a
    a = (a + x + y) & _MASK
    b = (b + _rotated(a, 44)) & _MASK
    return (a + z) & _MASK, (b + c) & _MASK


def _longer(data: bytes, length: int) -> int:
    seed = 81
    x, y = seed, (seed * _K1 + 113) & _MASK
    z = (_mixed((y * _K2 + 113) & _MASK) * _K2) & _MASK
    v = w = (0, 0)
    x = (x * _K2 + _word(data, 0)) & _MASK
    blocks = (length - 1) // 64
    at = 0
    for _ in range(blocks):
        x = (_rotated((x + y + v[0] + _word(data, at + 8)) & _MASK, 37) * _K1) & _MASK
        y = (_rotated((y + v[1] + _word(data, at + 48)) & _MASK, 42) * _K1) & _MASK
        x ^= w[1]
        y = (y + v[0] + _word(data, at + 40)) & _MASK
        z = (_rotated((z + w[0]) & _MASK, 33) * _K1) & _MASK
        v = _pair(data, at, (v[1] * _K1) & _MASK, (x + w[0]) & _MASK)
        w = _pair(data, at + 32, (z + w[1]) & _MASK, (y + _word(data, at + 16)) & _MASK)
        z, x = x, z
        at += 64
    factor = (_K1 + ((z & 0xFF) << 1)) & _MASK
    # The last 64 bytes, whole blocks or not.
    at = length - 64
    w = ((w[0] + ((length - 1) & 63)) & _MASK, w[1])
    v = ((v[0] + w[0]) & _MASK, v[1])
    w = ((w[0] + v[0]) & _MASK, w[1])
    x = (_rotated((x + y + v[0] + _word(data, at + 8)) & _MASK, 37) * factor) & _MASK
    y = (_rotated((y + v[1] + _word(data, at + 48)) & _MASK, 42) * factor) & _MASK
    x ^= (w[1] * 9) & _MASK
    y = (y + v[0] * 9 + _word(data, at + 40)) & _MASK
    z = (_rotated((z + w[0]) & _MASK, 33) * factor) & _MASK
    v = _pair(data, at, (v[1] * factor) & _MASK, (x + w[0]) & _MASK)
    w = _pair(data, at + 32, (z + w[1]) & _MASK, (y + _word(data, at + 16)) & _MASK)
    z, x = x, z
    first = (_joined(v[0], w[0], factor) + _mixed(y) * _K0 + z) & _MASK
    return _joined(first, (_joined(v[1], w[1], factor) + x) & _MASK, factor)
