"""What do the functions give that look at one row only?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from augury.names import quote
from augury.sql.bigquery_ml.transform_learning import Learnt, let
from augury.sql.literals import literal

if TYPE_CHECKING:
    from augury.sql.bigquery_ml.transform_functions import Given


def polynomial(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """All products of up to `degree` features, a feature with itself included."""
    fields = []
    for chosen in _combinations(len(given.sql), given.values["degree"], repeated=True):
        product = " * ".join(f"CAST({given.sql[at]} AS DOUBLE)" for at in chosen)
        fields.append(f"{quote(_joined(given, chosen))} := {product}")
    return f"struct_pack({', '.join(fields)})"


def cross(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """All combinations of two to `degree` different features."""
    fields = []
    for chosen in _combinations(len(given.sql), given.values["degree"], repeated=False):
        if len(chosen) > 1:
            value = " || '_' || ".join(f"CAST({given.sql[at]} AS VARCHAR)" for at in chosen)
            fields.append(f"{quote(_joined(given, chosen))} := {value}")
    return f"struct_pack({', '.join(fields)})"


def ngrams(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """By where they begin, the shorter first, as in the example of 'The ML.NGRAMS function'."""
    low, high = given.values["range"]
    gram = f"array_to_string(list_slice(__s.d, __i, __i + __n - 1), {literal(given.values['separator'])})"
    fitting = f"list_filter(range({low}, {high + 1}), lambda __n: __i + __n - 1 <= len(__s.d))"
    body = (
        f"flatten(list_transform(range(1, len(__s.d) + 1), lambda __i: list_transform({fitting}, lambda __n: {gram})))"
    )
    return let({"d": given.sql[0]}, body)


def hashed(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """The fingerprint itself where the number of buckets is 0.

    The modulo is that of the unsigned fingerprint, which gives the buckets of the example of 'The ML.HASH_BUCKETIZE
    function'; FARM_FINGERPRINT shows the same 64 bits as a signed number.
    """
    size = given.values["hash_bucket_size"]
    fingerprint = f"augury_farm_fingerprint(CAST({given.sql[0]} AS VARCHAR))"
    if not size:
        return fingerprint
    return f"CAST((CAST({fingerprint} AS HUGEINT) + {2**64}) % {2**64} % {size} AS BIGINT)"


def normalized(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """Each element divided by the norm; a vector of norm 0 stays as it is."""
    scaled = "list_transform(__s.d, lambda __v: __v / coalesce(nullif(__s.n, 0), 1))"
    body = let({"d": "__s.d", "n": _norm(given.values["p"])}, scaled)
    return let({"d": f"CAST({given.sql[0]} AS DOUBLE[])"}, body)


def norm(given: Given, learnt: Mapping[str, Learnt]) -> str:
    return let({"d": f"CAST({given.sql[0]} AS DOUBLE[])"}, _norm(given.values["degree"]))


def distance(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """NULL where a vector is; vectors of different length are an error, as documented."""
    first, second = (f"CAST({sql} AS DOUBLE[])" for sql in given.sql)
    match given.values["type"]:
        case "EUCLIDEAN":
            return f"list_distance({first}, {second})"
        case "COSINE":
            return f"list_cosine_distance({first}, {second})"
    steps = "list_transform(range(1, len(__s.a) + 1), lambda __n: abs(__s.a[__n] - __s.b[__n]))"
    wrong = "error('ML.DISTANCE takes two vectors of the same length')"
    missing = "__s.a IS NULL OR __s.b IS NULL THEN NULL"
    body = f"CASE WHEN {missing} WHEN len(__s.a) <> len(__s.b) THEN {wrong} ELSE coalesce(list_sum({steps}), 0e0) END"
    return let({"a": first, "b": second}, body)


def _norm(p: float) -> str:
    """Of the vector __s.d; NULL stays NULL, an empty vector has the norm 0."""
    sizes = "list_transform(__s.d, lambda __v: abs(__v))"
    if math.isinf(p):
        size = f"list_max({sizes})"
    elif p == 0:
        size = "CAST(len(list_filter(__s.d, lambda __v: __v <> 0)) AS DOUBLE)"
    elif p == 1:
        size = f"list_sum({sizes})"
    elif p == 2:
        size = "sqrt(list_sum(list_transform(__s.d, lambda __v: __v * __v)))"
    else:
        power = literal(p)
        size = f"pow(list_sum(list_transform({sizes}, lambda __v: pow(__v, {power}))), 1 / {power})"
    return f"CASE WHEN __s.d IS NOT NULL THEN coalesce({size}, 0e0) END"


def _joined(given: Given, chosen: tuple[int, ...]) -> str:
    return "_".join(given.fields[at] for at in chosen)


def _combinations(
    count: int, degree: int, *, repeated: bool, chosen: tuple[int, ...] = ()
) -> Iterator[tuple[int, ...]]:
    """Depth first, in the order of the examples: f1, f1_f1, f1_f2, f2, f2_f2."""
    if chosen:
        yield chosen
    if len(chosen) == degree:
        return
    start = chosen[-1] + (0 if repeated else 1) if chosen else 0
    for at in range(start, count):
        yield from _combinations(count, degree, repeated=repeated, chosen=(*chosen, at))
