"""A UBJ file is walked through before XGBoost reads it."""

from __future__ import annotations

import pytest

from augury.models.ubjson import is_whole

# {"a": [1, 2] as 32-bit integers, "b": "hi", "c": [true, null], "d": {}}
WHOLE = b"{i\x01a[$l#i\x02\0\0\0\x01\0\0\0\x02i\x01bSi\x02hii\x01c[TZ]i\x01d{}}"


def test_a_complete_document_is_whole() -> None:
    assert is_whole(WHOLE)


def test_no_part_of_it_is() -> None:
    assert not any(is_whole(WHOLE[:end]) for end in range(len(WHOLE)))


@pytest.mark.parametrize(
    "data",
    [
        WHOLE + b"}",
        b"{i\x01a?}",  # no such marker
        b"{i\xffa",  # a negative length
        b"[$T#l\x7f\xff\xff\xff[",  # bytes are left over
        b"[#l\x7f\xff\xff\xffT",  # more values than bytes
        b"[" * 5_000,
    ],
    ids=repr,
)
def test_broken_documents_are_not(data: bytes) -> None:
    assert not is_whole(data)
