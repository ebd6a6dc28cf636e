"""How are categories and documents encoded as numbers?

The vocabulary is in alphabetical order and counts from 1; NULL and what is not in it are 0 (BigQuery docs: 'The
ML.LABEL_ENCODER function', 'The ML.BAG_OF_WORDS function').
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from augury.sql.bigquery_ml.transform_learning import Learnt, let, listed, record
from augury.sql.literals import literal

if TYPE_CHECKING:
    from augury.sql.bigquery_ml.transform_functions import Given

_COUNT = "CAST(len(list_filter(__s.i, lambda __o: __o = __i)) AS DOUBLE)"


def label(given: Given, learnt: Mapping[str, Learnt]) -> str:
    return _position(learnt["words"], given.sql[0])


def one_hot(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """The dropped category has the value 0."""
    value = "1e0"
    if "dropped" in learnt:
        value = f"CASE WHEN {given.sql[0]} = {learnt['dropped'].sql} THEN 0e0 ELSE 1e0 END"
    return f"[{record({'index': label(given, learnt), 'value': value})}]"


def multi_hot(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """Each index once, in the order in which the array has them."""
    first = "list_filter(__s.i, lambda __i, __n: list_position(__s.i, __i) = __n)"
    return _document(learnt["words"], given.sql[0], f"list_transform({first}, lambda __i: {_entry('1e0')})")


def bag(given: Given, learnt: Mapping[str, Learnt]) -> str:
    return _document(learnt["words"], given.sql[0], _each(_entry(_COUNT)))


def tf_idf(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """Count of the term / size of the document * ln(1 + documents / (1 + documents that have the term))."""
    share = f"{_COUNT} / len(__s.i)"
    known = learnt["words"]
    if known.constant:
        weight = "__s.w[__i + 1]"
        words = Learnt("NULL", known.value["terms"], constant=True)
        return _document(words, given.sql[0], _each(_entry(f"{share} * {weight}")), w=listed(_weights(known.value)))
    weight = "ln(1 + __s.f.every / (1 + CASE WHEN __i = 0 THEN __s.f.unknown ELSE __s.f.counts[__i] END))"
    body = let({"i": _indices(Learnt("__s.f.terms"), "__s.x"), "f": "__s.f"}, _each(_entry(f"{share} * {weight}")))
    return let({"x": given.sql[0], "f": known.sql}, f"coalesce({body}, [])")


def _weights(frequencies: Mapping[str, Any]) -> list[float]:
    counts = (frequencies["unknown"], *frequencies["counts"])
    return [math.log(1 + frequencies["every"] / (1 + count)) for count in counts]


def _document(words: Learnt, x: str, body: str, **more: str) -> str:
    """`body` over __s.i, the indices of the terms; a NULL document has none."""
    if words.constant:
        return f"coalesce({let({'i': _indices(words, x), **more}, body)}, [])"
    inner = let({"i": _indices(Learnt("__s.v"), "__s.x")}, body)
    return let({"x": x, "v": words.sql}, f"coalesce({inner}, [])")


def _indices(words: Learnt, x: str) -> str:
    return f"list_transform({x}, lambda __t: {_position(words, '__t')})"


def _each(entry: str) -> str:
    return f"list_transform(list_sort(list_distinct(__s.i)), lambda __i: {entry})"


def _entry(value: str) -> str:
    return record({"index": "__i", "value": value})


def _position(words: Learnt, x: str) -> str:
    if not words.constant:
        return f"CAST(coalesce(list_position({words.sql}, {x}), 0) AS BIGINT)"
    if not words.value:
        return "CAST(0 AS BIGINT)"
    if any("\x00" in word for word in words.value):  # no ENUM holds a NUL
        return f"CAST(coalesce(list_position({listed(words.value)}, {x}), 0) AS BIGINT)"
    # An ENUM finds its word by a hash table; a list or a CASE compares one after the other.
    spelled = ", ".join(literal(word) for word in words.value)
    return f"coalesce(CAST(enum_code(TRY_CAST({x} AS ENUM ({spelled}))) AS BIGINT) + 1, 0)"
