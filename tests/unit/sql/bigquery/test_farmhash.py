"""Is the fingerprint the one of FarmHash? Numbers published by Google, Amazon and the tests of Guava."""

from __future__ import annotations

import pytest

from augury.sql.bigquery.farmhash import fingerprint

_MASK = (1 << 64) - 1


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"1footrue", -1541654101129638711),
        (b"2applefalse", 2794438866806483259),
        (b"3true", -4880158226897771312),
        (b"alphabet", -2427165924636348523),
        (b"UserCustomerID + salt", -3587376224092439943),
        (b"Amazon Redshift", 8085098817162212970),
        (b"test", 8581389452482819506),
        (b"test" * 8, -4196240717365766262),
        (b"test" * 64, 3500507768004279527),
    ],
)
def test_published_numbers(data: bytes, number: int) -> None:
    assert fingerprint(data) == number


def test_all_lengths_give_the_published_sum() -> None:
    """Guava compares its port with Google's C++ by one number over bytes of many lengths that depend on each other."""
    total, data = 0, bytearray()

    def add(length: int) -> None:
        nonlocal total
        total ^= fingerprint(bytes(data[:length]).ljust(length, b"\0")) & _MASK
        total ^= total >> 41
        total = total * 949921979 & _MASK
        signed = total - (1 << 64) if total >> 63 else total
        data.append(ord("a") + (signed & 0xFFFFF) % 26)

    for turn in range(800):
        add(turn)
        add(turn * turn % len(data))
        add(_wrapped(turn**3) % len(data))
        add(len(data))
        last, before, third, middle = data[-1], data[-2], data[-3], data[len(data) // 2]
        data[((last << 16) + (before << 8) + third) % len(data)] ^= middle
        data[((before << 16) + (third << 8) + middle) % len(data)] ^= turn % 256
    assert total == 0x7A1D67C50EC7E167


def _wrapped(number: int) -> int:
    """As a 32-bit number of Java."""
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)
