"""What number stands for the content of a row?

Splits at random go by it, so that they depend on the rows and on nothing else: not on their order, and on no state.
BigQuery ML does the same with FARM_FINGERPRINT, whose values these are not.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]

_NULL = np.uint64(0x9E3779B97F4A7C15)
_DIGEST = 8


def hashes(table: Any) -> Hashes:
    """One 64-bit number per row, from names, types and values of all columns."""
    out = np.zeros(table.num_rows, dtype=np.uint64)
    for name, column in zip(table.schema.names, table.columns, strict=True):
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(array, pa.ChunkedArray):
            array = array.chunk(0) if array.num_chunks else pa.nulls(0, array.type)
        out = _mix(out ^ (_of(array) + _digest(f"{name}:{array.type}".encode())))
    return out


def _of(array: Any) -> Hashes:
    arrow = array.type
    if pa.types.is_dictionary(arrow):
        return _of(array.dictionary_decode())
    if pa.types.is_struct(arrow):
        return _struct(array)
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return _list(array)
    if pa.types.is_null(arrow):
        return np.full(len(array), _NULL)
    if pa.types.is_floating(arrow):
        # + 0.0 makes one number of 0 and -0.
        bits = (array.cast(pa.float64()).fill_null(0.0).to_numpy() + 0.0).view(np.uint64)
        return _with_nulls(_mix(bits), array)
    if pa.types.is_decimal(arrow) or pa.types.is_string(arrow) or not _is_whole(arrow):
        return _texts(array)
    width = arrow.bit_width
    whole = (
        array.cast(pa.int64()) if width != 32 or pa.types.is_integer(arrow) else array.cast(pa.int32()).cast(pa.int64())
    )
    return _with_nulls(_mix(whole.fill_null(0).to_numpy().view(np.uint64)), array)


def _is_whole(arrow: Any) -> bool:
    types = pa.types
    return bool(types.is_integer(arrow) or types.is_boolean(arrow) or types.is_temporal(arrow))


def _texts(array: Any) -> Hashes:
    """By distinct value, as text or bytes."""
    binary = pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type)
    encoded = (array if binary else array.cast(pa.string())).dictionary_encode()
    known = [_digest(value if binary else value.encode()) for value in encoded.dictionary.to_pylist()]
    table = np.array([*known, _NULL], dtype=np.uint64)
    out: Hashes = table[encoded.indices.fill_null(len(known)).to_numpy()]
    return out


def _struct(array: Any) -> Hashes:
    out = np.zeros(len(array), dtype=np.uint64)
    for at in range(array.type.num_fields):
        out = _mix(out ^ _of(pc.struct_field(array, indices=at)))
    return _with_nulls(out, array)


def _list(array: Any) -> Hashes:
    """Elements in their order."""
    lengths = pc.list_value_length(array).fill_null(0).to_numpy().astype(np.int64)
    rows = np.repeat(np.arange(len(array)), lengths)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    elements = _mix(_of(array.flatten()) ^ (within.astype(np.uint64) + _NULL))
    out = lengths.astype(np.uint64)
    np.add.at(out, rows, elements)
    return _with_nulls(_mix(out), array)


def _with_nulls(found: Hashes, array: Any) -> Hashes:
    if not array.null_count:
        return found
    out: Hashes = np.where(array.is_null().to_numpy(zero_copy_only=False), _NULL, found)
    return out


def _mix(bits: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input changes about half of the
    output.
    """
    out = bits + _NULL
    out = (out ^ (out >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    out = (out ^ (out >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return out ^ (out >> np.uint64(31))


def _digest(content: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(content, digest_size=_DIGEST).digest(), "little"))
