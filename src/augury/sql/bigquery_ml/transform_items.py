"""What does the select list of TRANSFORM( ... ) say, and what of it cannot be applied to one row after another?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augury.errors import Problem, SpecError, nearest
from augury.sql.bigquery import to_duckdb
from augury.sql.bigquery_ml.lexer import Source, Token, refused
from augury.sql.bigquery_ml.transform_calls import MARK, Call, check_kept, located, placeholders
from augury.sql.bigquery_ml.transform_reading import Reader, Span, alias, column_name, name_of, split
from augury.sql.tokens import scan, words

_INPUT = "__augury_0_input"
_OUT = "__augury_out_"
_AGGREGATES = words(
    """
    any_value approx_count_distinct approx_quantiles approx_top_count approx_top_sum array_agg array_concat_agg avg
    bit_and bit_or bit_xor corr count countif covar_pop covar_samp logical_and logical_or max max_by min min_by
    percentile_cont percentile_disc stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
    """
)


@dataclass(frozen=True)
class Item:
    """One entry of the list."""

    name: str
    """What the output is called; nothing for a star."""
    sql: str
    """DuckDB SQL with markers where ML functions are."""
    inputs: tuple[str, ...]
    """Columns that it reads."""
    line: int
    file: str | None = None
    column: str | None = None
    """The input column that it is and nothing else."""
    star: bool = False
    hidden: frozenset[str] = frozenset()
    """In lower case: columns that a star leaves out."""
    excepted: tuple[str, ...] = ()
    """The same, as they are written."""
    replaces: bool = False
    """Whether it stands in REPLACE ( ... ) of the star."""

    def missing(self, known: Mapping[str, str]) -> list[Problem]:
        """`known`: the columns of the training query, by lower-case name."""
        return [
            Problem(
                f"TRANSFORM reads {name}, which the training query does not give",
                self.file,
                self.line,
                suggestion=known.get(nearest(name.lower(), known) or ""),
            )
            for name in (*self.inputs, *self.excepted)
            if name.lower() not in known
        ]


@dataclass(frozen=True)
class _Entry:
    name: str
    span: Span
    star: bool = False
    hidden: frozenset[str] = frozenset()
    excepted: tuple[str, ...] = ()
    replaces: bool = False


def read_items(text: str, file: str | None) -> tuple[tuple[Item, ...], tuple[Call, ...]]:
    """Raises SpecError with every problem."""
    source = Source.of(text, file)
    reader = Reader(source)
    entries: list[_Entry] = []
    if not source.tokens:
        reader.problems.append(
            Problem("TRANSFORM ( ) is empty: list the columns of the model", file, len(source.lines))
        )
    spans = split(source, Span(0, len(source.tokens)))
    if len(spans) > 1 and spans[-1].start == spans[-1].end:
        spans.pop()  # a comma may end the list
    for span in spans:
        entries += _entries(reader, span)
    _repeated(reader, entries)
    _per_row(reader)
    masked = [None if entry.star else reader.masked(entry.span) for entry in entries]
    if reader.problems:
        raise refused(sorted(reader.problems, key=lambda problem: problem.line or 0))
    translated = _translated(source, entries, [sql or "" for sql in masked], reader.calls)
    items = []
    for at, entry in enumerate(entries):
        line, _ = source.place(source.tokens[entry.span.start].start)
        if entry.star:
            items.append(Item("", "", (), line, file, None, True, entry.hidden, entry.excepted))
            continue
        column = column_name(source, entry.span) if entry.span.end - entry.span.start == 1 else None
        items.append(
            Item(entry.name, translated[at], _inputs(masked[at] or ""), line, file, column, replaces=entry.replaces)
        )
    return tuple(items), tuple(reader.calls)


def _entries(reader: Reader, span: Span) -> list[_Entry]:
    tokens = reader.source.tokens
    if span.start >= span.end:
        at = min(span.start, len(tokens) - 1)
        reader.problems.append(reader.source.problem(tokens[at].start, "a comma stands here with nothing before it"))
        return []
    if tokens[span.start].text == "*":
        return _star(reader, span)
    if tokens[span.end - 1].text == "*" and span.end - span.start > 1 and tokens[span.end - 2].text == ".":
        message = "TRANSFORM sees the columns of one query: write * without a table"
        reader.problems.append(reader.source.problem(tokens[span.start].start, message))
        return []
    name, expression = _named(reader.source, span)
    if name is None:
        message = "every output of TRANSFORM needs a name: write ... AS name"
        reader.problems.append(reader.source.problem(tokens[span.start].start, message))
        return []
    return [_Entry(name, expression)]


def _named(source: Source, span: Span) -> tuple[str | None, Span]:
    name, expression = alias(source, span)
    if name is not None:
        return name, expression
    name = column_name(source, span)
    if name is not None:
        return name, span
    tokens = source.tokens
    last, before = tokens[span.end - 1], tokens[span.end - 2] if span.end - span.start > 1 else None
    ends = before is not None and (before.text in (")", "]") or before.kind in ("number", "string", "quoted", "word"))
    if ends and last.upper not in ("END", "NULL", "TRUE", "FALSE") and name_of(last):
        return name_of(last), Span(span.start, span.end - 1)
    return None, span


def _star(reader: Reader, span: Span) -> list[_Entry]:
    """* [EXCEPT (a, b)] [REPLACE (x AS a)]"""
    source, tokens = reader.source, reader.source.tokens
    at, hidden, excepted, replaced = span.start + 1, set[str](), list[str](), list[_Entry]()
    while at < span.end:
        word, opened = tokens[at].upper, at + 1
        if word not in ("EXCEPT", "REPLACE") or opened not in source.partner:
            message = "behind * stand EXCEPT (a, b) and REPLACE (x AS a), or nothing"
            reader.problems.append(source.problem(tokens[at].start, message))
            return []
        closed = source.partner[opened]
        for part in split(source, Span(opened + 1, closed)):
            name, expression = (column_name(source, part), part) if word == "EXCEPT" else alias(source, part)
            if name is None:
                form = "EXCEPT (a, b)" if word == "EXCEPT" else "REPLACE (x AS a)"
                reader.problems.append(source.problem(tokens[part.start].start, f"it is written * {form}"))
                continue
            hidden.add(name.lower())
            excepted.append(name)
            if word == "REPLACE":
                replaced.append(_Entry(name, expression, replaces=True))
        at = closed + 1
    return [_Entry("", span, True, frozenset(hidden), tuple(excepted)), *replaced]


def _repeated(reader: Reader, entries: Sequence[_Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if not entry.star and entry.name.lower() in seen:
            offset = reader.source.tokens[entry.span.start].start
            reader.problems.append(reader.source.problem(offset, f"TRANSFORM gives the column {entry.name} twice"))
        seen.add(entry.name.lower())


def _per_row(reader: Reader) -> None:
    """What would look at other rows of whatever is predicted: only ML functions learn from rows, once."""
    tokens = reader.source.tokens
    for at, token in enumerate(tokens):
        called = at + 1 < len(tokens) and tokens[at + 1].text == "("
        after_dot = at > 0 and tokens[at - 1].text == "."
        if token.upper == "SELECT":
            message = "TRANSFORM takes no subquery: put it in the training query"
        elif called and not after_dot and token.upper in _AGGREGATES:
            message = f"TRANSFORM takes no aggregate, and {token.upper} is one: put it in the training query"
        elif token.upper == "OVER" and not _of_ml(tokens, reader.source, at):
            message = "TRANSFORM takes OVER () behind ML functions only: put this one in the training query"
        else:
            continue
        reader.problems.append(reader.source.problem(token.start, message))


def _of_ml(tokens: Sequence[Token], source: Source, over: int) -> bool:
    """Whether what stands before OVER is ML.name( ... )."""
    opened = next((start for start, end in source.partner.items() if end == over - 1), 0)
    return opened >= 3 and tokens[opened - 3].upper == "ML" and tokens[opened - 2].text == "."


def _translated(
    source: Source, entries: Sequence[_Entry], masked: Sequence[str], calls: Sequence[Call]
) -> dict[int, str]:
    """DuckDB SQL of each expression, by its place in the list: all of them are one SELECT for the translator, each on
    the line that its author wrote it on."""
    statement, line = "SELECT ", 1
    wanted = [at for at, entry in enumerate(entries) if not entry.star]
    for at in wanted:
        begins, _ = source.place(source.tokens[entries[at].span.start].start)
        comma = "" if at == wanted[0] else ", "
        statement += comma + "\n" * max(0, begins - line) + f"{masked[at]} AS {_OUT}{at}"
        line = 1 + statement.count("\n")
    if not wanted:
        return {}
    try:
        sql = to_duckdb(f"{statement} FROM {_INPUT}", placeholders=placeholders(calls)).sql
    except SpecError as error:
        raise located(error, source.file) from error
    check_kept(sql, calls)
    return _parts(sql)


def _parts(sql: str) -> dict[int, str]:
    """What stands before each AS __augury_out_<n> of SELECT ... FROM."""
    tokens = [token for token in scan(sql) if token.significant]
    out: dict[int, str] = {}
    start = tokens[0].start + len(tokens[0].text)
    for at, token in enumerate(tokens):
        name = token.text.strip('"')
        if name.startswith(_OUT):
            out[int(name.removeprefix(_OUT))] = sql[start : tokens[at - 1].start].strip()
            behind = tokens[at + 1]
            start = behind.start + len(behind.text)
    return out


def _inputs(masked: str) -> tuple[str, ...]:
    """Columns that an expression reads: the first name of each path."""
    import sqlglot
    from sqlglot import exp

    tree: Any = sqlglot.parse_one(masked, dialect="bigquery")
    names = (column.parts[0].name for column in tree.find_all(exp.Column))
    return tuple(dict.fromkeys(name for name in names if not name.startswith(MARK)))
