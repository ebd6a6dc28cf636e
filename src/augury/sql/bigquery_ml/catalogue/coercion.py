"""Is a value of the kind that an option wants, and how is it handed on?

Words come out in lower case, one name where several may stand as an array, weights and tags as a mapping.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from augury.errors import nearest
from augury.sql.bigquery_ml.catalogue.option import SHOWN, Kind, Option
from augury.sql.bigquery_ml.values import Candidates, Expression, Range


class NotThis(Exception):
    """Says what is wrong with a value, to be read behind the name of the option."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def coerce(value: Any, option: Option) -> Any:
    """Raises NotThis. NULL is the same as leaving the option out."""
    if value is None:
        return None
    if isinstance(value, Range | Candidates):
        return _searched(value, option)
    if isinstance(value, Expression) and option.kind != "moment":
        raise NotThis(f"is a literal, not {value.sql[:40]!r}")
    return _KINDS[option.kind](value, option)


def _searched(value: Range | Candidates, option: Option) -> Range | Candidates:
    if not option.tunable:
        raise NotThis("cannot be tuned: give it one value")
    if isinstance(value, Candidates):
        return Candidates(tuple(_KINDS[option.kind](each, option) for each in value.values))
    if option.kind == "word":
        raise NotThis(f"is tuned with HPARAM_CANDIDATES(['{option.words[0]}', ...])")
    return Range(_KINDS[option.kind](value.low, option), _KINDS[option.kind](value.high, option))


def _wrong(value: Any, option: Option) -> NotThis:
    shown = repr(value)
    return NotThis(f"is {SHOWN[option.kind]}, not {shown if len(shown) < 60 else shown[:57] + '...'}")


def _text(value: Any, option: Option) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(value, option)


def _name(value: Any, option: Option) -> str:
    if isinstance(value, str) and value:
        return value
    raise _wrong(value, option)


def _boolean(value: Any, option: Option) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong(value, option)


def _integer(value: Any, option: Option) -> int:
    if type(value) is not int:
        raise _wrong(value, option)
    _within(value, option)
    return value


def _number(value: Any, option: Option) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise _wrong(value, option)
    _within(value, option)
    return float(value)


def _within(value: float, option: Option) -> None:
    low, high = option.low, option.high
    if (low is None or value >= low) and (high is None or value <= high):
        return
    wanted = f"from {low:g} to {high:g}" if low is not None and high is not None else f"at least {low:g}"
    raise NotThis(f"is {value:g}, and must be {wanted}")


def _word(value: Any, option: Option) -> str:
    text = _text(value, option).lower()
    if option.words and text not in option.words:
        known = ", ".join(word.upper() for word in option.words)
        close = nearest(text, option.words)
        raise NotThis(f"is one of {known}, not {value!r}", close.upper() if close else None)
    return text


def _each(read: Callable[[Any, Option], str]) -> Callable[[Any, Option], list[str]]:
    def read_all(value: Any, option: Option) -> list[str]:
        values = value if isinstance(value, list) else [value]
        if not values:
            raise _wrong(value, option)
        return [read(each, option) for each in values]

    return read_all


def _order(value: Any, option: Option) -> list[int]:
    parts = list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(parts, list) and len(parts) == 3 and all(type(part) is int for part in parts):
        return parts
    raise _wrong(value, option)


def _weights(value: Any, option: Option) -> dict[str, float]:
    return {key: float(weight) for key, weight in _pairs(value, option, (int, float))}


def _tags(value: Any, option: Option) -> dict[str, str]:
    return dict(_pairs(value, option, (str,)))


def _pairs(value: Any, option: Option, kinds: tuple[type, ...]) -> list[tuple[str, Any]]:
    entries = [tuple(each.values()) if isinstance(each, Mapping) else each for each in _as_list(value, option)]
    for entry in entries:
        fits = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str | int | bool)
        if not fits or type(entry[1]) not in kinds:
            raise _wrong(value, option)
    pairs = [(_label(entry[0]), entry[1]) for entry in entries]
    if len({key for key, _ in pairs}) < len(pairs):
        raise NotThis("names something twice")
    return pairs


def _label(value: Any) -> str:
    """A label as BigQuery writes it as a STRING."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_list(value: Any, option: Option) -> list[Any]:
    if isinstance(value, list):
        return value
    raise _wrong(value, option)


def _moment(value: Any, option: Option) -> datetime | Expression:
    if isinstance(value, datetime | Expression):
        return value
    raise _wrong(value, option)


_KINDS: Mapping[Kind, Callable[[Any, Option], Any]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "word": _word,
    "words": _each(_word),
    "column": _name,
    "columns": _each(_name),
    "order": _order,
    "weights": _weights,
    "moment": _moment,
    "tags": _tags,
}
