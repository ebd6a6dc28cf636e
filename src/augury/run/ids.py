"""What is a run called? By 26 characters that sort by time: a ULID, in Crockford's base 32."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_BITS, _RANDOM_BITS = 48, 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ID = re.compile(f"[0-7][{_DIGITS}]{{25}}")


def new_run_id(now: datetime, random: Callable[[int], bytes] = os.urandom) -> str:
    """A name for a run that starts `now`: milliseconds since 1970 and 80 random bits.

    `random` returns as many bytes as it is asked for. Raises ValueError for times that are naive or before
    1970.
    """
    if now.tzinfo is None:
        raise ValueError(f"{now} has no time zone")
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1)
    if not 0 <= milliseconds < 1 << _TIME_BITS:
        raise ValueError(f"{now} is outside the years that a run id can say")
    number = milliseconds << _RANDOM_BITS | int.from_bytes(random(_RANDOM_BITS // 8), "big")
    return "".join(_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))


def is_run_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def run_started(run_id: str) -> datetime:
    """The time in a run's name, in UTC, to the millisecond. Raises ValueError for anything else."""
    if not is_run_id(run_id):
        raise ValueError(f"{run_id!r} is not a run id")
    milliseconds = sum(_DIGITS.index(digit) << 45 - 5 * at for at, digit in enumerate(run_id[:10]))
    return _EPOCH + timedelta(milliseconds=milliseconds)
