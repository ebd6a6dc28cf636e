"""Which relations does a query mean that names tables as its warehouse has them?

SQL that was written for BigQuery says `dataset.github_v1_scoring` or `bigquery-public-data.samples.github_timeline`, in
backticks or without. Where the project knows the name, of a source or of a table that augury writes, it becomes the
relation itself: point-in-time, and in whatever place and engine the target has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from augury.errors import Problem, SpecError
from augury.sql.relations import Published, Relation, Source, Staging
from augury.sql.rendering import Hole, NamedHole, Rendered
from augury.sql.tokens import Token, scan

_BEFORE = ("FROM", "JOIN", "TABLE", ",")
"""What a table is written after; TABLE is what an ML function calls its argument."""
_OF_MODELS = ("train_model", "predict")
_LINE_MARK = re.compile(r"\x00@(\d+) ([^\x00]*)\x00")


def with_relations(
    rendered: Rendered, tables: Mapping[str, Relation], dialect: str, step: str, production: str = ""
) -> Rendered:
    """The same text with a hole for each name of `tables`.

    Raises SpecError for a table that the step cannot read, and for everything in the dataset `production`, which is
    that of another environment; empty for none.
    """
    if not tables:
        return rendered
    tokens = list(scan(rendered.text, dialect))
    _refuse_models(tokens, rendered.text, step)
    holes: list[Hole] = list(rendered.holes)
    out = [token.text for token in tokens]
    at = 0
    while at < len(tokens):
        end = path_end(tokens, at)
        written = "".join(out[at:end])
        name = _LINE_MARK.sub("", written).replace("`", "")
        relation = _meant(name, tables)
        before = _significant_before(tokens, at)
        word = tokens[before].upper or tokens[before].text if before >= 0 else ""
        if production and word in (*_BEFORE, "MODEL"):
            _refuse_production(_printed(tokens, at, end, holes), production, rendered.text, tokens[at].start)
        if relation is None or word not in _BEFORE:
            at += 1
            continue
        _refuse_unreadable(relation, name, step, rendered.text, tokens[at].start)
        alias = name.rpartition(".")[2]
        if word == "TABLE":
            # `TABLE t` is an argument, and so is a query in parentheses, which has no name.
            out[before], alias = "", ""
        marks = "".join(mark[0] for mark in _LINE_MARK.finditer(written))
        out[at:end] = [f"\x00{len(holes)}\x00{marks}", *[""] * (end - at - 1)]
        holes.append(NamedHole(relation, alias))
        at = end
    return Rendered("".join(out), tuple(holes))


def _meant(name: str, tables: Mapping[str, Relation]) -> Relation | None:
    """A project before the dataset of the target is that of whoever wrote the SQL: their tables are meant, here."""
    found = tables.get(name)
    if found is None:
        found = tables.get(name.partition(".")[2])
        return None if isinstance(found, Source) else found
    return found


def path_end(tokens: Sequence[Token], at: int) -> int:
    """Behind the last token of a dotted name that begins at `at`; `at` plus one where it is a single token.

    A project's name may hold dashes without being quoted. Marks of lines may stand anywhere.
    """
    end = at + 1
    if tokens[at].kind not in ("word", "quoted"):
        return end
    while True:
        dot = _past_marks(tokens, end)
        # Of a project that ends with a number, `shop-7.raw`, the dot is one with the number.
        joined = tokens[end - 1].kind == "number" and tokens[end - 1].text.endswith(".")
        part = dot if joined else _past_marks(tokens, dot + 1)
        linked = joined or (dot < len(tokens) and tokens[dot].text in (".", "-"))
        if part >= len(tokens) or not linked or tokens[part].kind not in _PARTS:
            return end
        end = part + 1


def _past_marks(tokens: Sequence[Token], at: int) -> int:
    while at < len(tokens) and _LINE_MARK.fullmatch(tokens[at].text):
        at += 1
    return at


_PARTS = ("word", "quoted", "number")


def _significant_before(tokens: Sequence[Token], at: int) -> int:
    passed = ("space", "comment", "mark")
    return next((back for back in range(at - 1, -1, -1) if tokens[back].kind not in passed), -1)


def _refuse_unreadable(relation: Relation, name: str, step: str, text: str, offset: int) -> None:
    if isinstance(relation, Staging | Published) and step != "validation":
        what = "the candidates of this date" if isinstance(relation, Staging) else "what was published before"
        raise _refused(f"{name} is {what}: validation alone can read it", text, offset)


def _printed(tokens: Sequence[Token], at: int, end: int, holes: Sequence[Hole]) -> str:
    """A name with what `ident()` prints in it, without quotes."""
    after = _past_marks(tokens, end)
    if after < len(tokens) and tokens[after].text == ".":
        end = _past_marks(tokens, after + 1) + 1
    out = []
    for token in tokens[at:end]:
        mark = re.fullmatch(r"\x00(\d+)\x00", token.text)
        hole = holes[int(mark[1])] if mark else token.text
        out.append(hole if isinstance(hole, str) else "")
    return _LINE_MARK.sub("", "".join(out)).replace("`", "")


def _refuse_production(name: str, production: str, text: str, offset: int) -> None:
    *above, _ = name.lower().split(".")
    if production in above:
        raise _refused(f"{name} is in {production}, the dataset of production, which no test reads", text, offset)


def _refuse_models(tokens: Sequence[Token], text: str, step: str) -> None:
    """ML functions ask one model, and which one a date belongs to is known to the steps that train and ask it."""
    if step in _OF_MODELS:
        return
    told = [token for token in tokens if token.kind not in ("space", "comment", "mark")]
    for family, dot, name, opened, argument in zip(told, told[1:], told[2:], told[3:], told[4:], strict=False):
        if (family.upper, dot.text, opened.text, argument.upper) == ("ML", ".", "(", "MODEL"):
            raise _refused(f"ML.{name.upper} asks a model: predicting.sql alone can", text, family.start)


def _refused(message: str, text: str, offset: int) -> SpecError:
    marks = list(_LINE_MARK.finditer(text, 0, offset))
    file, line = (marks[-1][2], int(marks[-1][1])) if marks else (None, text.count("\n", 0, offset) + 1)
    return SpecError([Problem(message, file, line)])
