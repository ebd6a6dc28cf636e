"""How are numbers scaled, put into buckets and filled in?

Where Google documents no answer: a spread of zero (all training values equal) divides by one, so that the training
value itself becomes 0; quantiles that are equal make one boundary; NULL stays NULL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from augury.sql.bigquery_ml.transform_learning import Learnt, let
from augury.sql.literals import literal

if TYPE_CHECKING:
    from augury.sql.bigquery_ml.transform_functions import Given

_LONG = 200_000
"""Characters of SQL; beyond it an expression is written once and named."""
_WHOLE = "{v} = floor({v}) AND abs({v}) < 1e15"
_SHOWN = f"CASE WHEN {_WHOLE} THEN CAST(CAST({{v}} AS BIGINT) AS VARCHAR) ELSE CAST({{v}} AS VARCHAR) END"


def standard(given: Given, learnt: Mapping[str, Learnt]) -> str:
    return f"(({_number(given)} - {learnt['mean'].sql}) / {_divisor(learnt['spread'].sql)})"


def min_max(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """Below the smallest training value 0, above the largest 1."""
    low, high = learnt["low"].sql, learnt["high"].sql
    scaled = f"({_number(given)} - {low}) / {_divisor(f'({high} - {low})')}"
    # least and greatest pass over NULL in DuckDB.
    return f"(CASE WHEN {given.sql[0]} IS NOT NULL AND {low} IS NOT NULL THEN least(greatest({scaled}, 0e0), 1e0) END)"


def max_abs(given: Given, learnt: Mapping[str, Learnt]) -> str:
    most = learnt["most"].sql
    return f"({_number(given)} / CASE WHEN {most} = 0 THEN 1 ELSE {most} END)"


def robust(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """The quantiles are values of the rows, the lower one where two are as near: the example of 'The ML.ROBUST_SCALER
    function' has the median 2 of six values from -3 to 5."""
    quantiles = learnt["quantiles"]
    low, median, high = (_element(quantiles, at) for at in range(3))
    x = _number(given)
    centred = f"({x} - {median})" if given.values["with_median"] else x
    return f"({centred} / {_divisor(f'({high} - {low})')})" if given.values["with_quantile_range"] else centred


def impute(given: Given, learnt: Mapping[str, Learnt]) -> str:
    """FLOAT64 for numbers and STRING for strings; what is most frequent says itself which of the two it is."""
    x = given.sql[0] if given.values["strategy"] == "most_frequent" else _number(given)
    return f"coalesce({x}, {learnt['filling'].sql})"


def bucket(given: Given, learnt: Mapping[str, Learnt]) -> str:
    points = given.values["array_split_points"]
    if given.values["exclude_boundaries"]:
        points = points[1:-1]
    return _bucket(_number(given), points, given.values["output_format"])


def quantile_bucket(given: Given, learnt: Mapping[str, Learnt]) -> str:
    cuts = learnt.get("cuts")
    form = given.values["output_format"]
    if cuts is None or cuts.constant:
        return _bucket(_number(given), sorted(set((cuts and cuts.value) or ())), form)
    return let({"x": _number(given), "c": f"list_sort(list_distinct({cuts.sql}))"}, _unknown_bucket(form))


def _bucket(x: str, points: Sequence[float], form: str) -> str:
    """A tree of comparisons: the bucket begins at its point and ends before the next."""
    edges = [None, *points, None]
    names = [_name(at + 1, low, high, form) for at, (low, high) in enumerate(pairwise(edges))]
    if len(points) * len(x) <= _LONG:
        return f"(CASE WHEN {x} IS NOT NULL THEN {_tree(x, points, names)} END)"
    return let({"x": x}, f"CASE WHEN __s.x IS NOT NULL THEN {_tree('__s.x', points, names)} END")


def _tree(x: str, points: Sequence[float], names: Sequence[str]) -> str:
    if not points:
        return literal(names[0])
    middle = len(points) // 2
    below = _tree(x, points[:middle], names[: middle + 1])
    above = _tree(x, points[middle + 1 :], names[middle + 1 :])
    return f"CASE WHEN {x} < {literal(points[middle])} THEN {below} ELSE {above} END"


def _name(index: int, low: float | None, high: float | None, form: str) -> str:
    match form:
        case "bucket_ranges":
            return f"{'(-inf' if low is None else '[' + shown(low)}, {'+inf' if high is None else shown(high)})"
        case "bucket_ranges_json":
            start = "-Infinity" if low is None else shown(low)
            return f'{{"start": "{start}", "end": "{"Infinity" if high is None else shown(high)}"}}'
    return f"bin_{index}"


def shown(value: float) -> str:
    """2 and 2.5, as in the examples of 'The ML.BUCKETIZE function'."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _unknown_bucket(form: str) -> str:
    """The name of the bucket of __s.x among boundaries __s.c that only the engine knows."""
    index = "len(list_filter(__s.c, lambda __c: __c <= __s.x))"
    low, high = _SHOWN.format(v=f"__s.c[{index}]"), _SHOWN.format(v=f"__s.c[{index} + 1]")
    match form:
        case "bucket_ranges":
            name = f"coalesce('[' || {low}, '(-inf') || ', ' || coalesce({high}, '+inf') || ')'"
        case "bucket_ranges_json":
            start, end = f"coalesce({low}, '-Infinity')", f"coalesce({high}, 'Infinity')"
            name = f"""'{{"start": "' || {start} || '", "end": "' || {end} || '"}}'"""
        case _:
            name = f"'bin_' || ({index} + 1)"
    return f"CASE WHEN __s.x IS NOT NULL THEN {name} END"


def _number(given: Given) -> str:
    return f"CAST({given.sql[0]} AS DOUBLE)"


def _divisor(spread: str) -> str:
    return f"coalesce(nullif({spread}, 0), 1)"


def _element(learnt: Learnt, at: int) -> str:
    if learnt.constant:
        return literal(learnt.value[at] if learnt.value else None)
    return f"({learnt.sql})[{at + 1}]"
