"""How does rendered text become SQL with holes, and is it one SELECT into which values can be put safely?

A hole is filled only where a token may stand. Inside a string or a quoted name it is refused: there the
quotes of a literal would end the string. Inside a comment it vanishes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from augury.errors import Problem, SpecError
from augury.sql.compiled import Slot, natural_name
from augury.sql.facts import RUN_VALUES
from augury.sql.relations import (
    History,
    OtherHistory,
    OtherRef,
    Outcome,
    Published,
    Ref,
    Reference,
    Relation,
    Source,
    Staging,
    Window,
)
from augury.sql.rendering import Hole, NamedHole, Rendered, RunHole
from augury.sql.statement import model_problems, statement_problems
from augury.sql.tokens import RESERVED, Token, scan

PREFIX = "__augury_"
"""Names that begin so are placeholders; a query cannot use them."""

_LINE_MARK = re.compile(r"\x00@(\d+) ([^\x00]*)\x00")
_HOLE_MARK = re.compile(r"\x00\d+\x00")
_GLUE = re.compile(r"[\w$'\"`\x00]")


@dataclass(frozen=True)
class Symbolic:
    parts: tuple[str | Slot, ...]
    text: str
    tokens: tuple[Token, ...]
    """Significant tokens of `text`, without closing semicolons."""
    places: tuple[tuple[str, int], ...]
    """(file, line) of each line of the text."""


def assemble(
    rendered: Rendered, file: str, dialect: str, *, has_horizon: bool, creates_model: bool = False
) -> Symbolic:
    """Raises SpecError with everything that keeps the text from being one safe SELECT; or, with `creates_model`, one
    CREATE MODEL."""
    text, origins = _without_line_marks(rendered.text, file)
    tokens = list(scan(text, dialect))
    checked = model_problems(tokens) if creates_model else statement_problems(tokens)
    problems = [*_misplaced(tokens, rendered.holes), *checked]
    if problems:
        places = [(message, origins.of(offset)) for offset, message in sorted(problems)]
        raise SpecError([Problem(message, path, line) for message, (path, line) in dict.fromkeys(places)])
    writer = _Writer(origins, rendered.holes)
    for at, token in enumerate(_without_tail(tokens)):
        writer.write(tokens, at, token)
    if not has_horizon:
        _refuse_horizon(writer)
    symbolic = "".join(part if isinstance(part, str) else part.symbol for part in writer.parts)
    significant = tuple(token for token in scan(symbolic, dialect) if token.significant)
    return Symbolic(tuple(writer.parts), symbolic, significant, writer.places())


@dataclass(frozen=True)
class _Origins:
    """Which line of which file each character of the text comes from."""

    offsets: list[int]
    places: list[tuple[str, int]]

    def of(self, offset: int) -> tuple[str, int]:
        return self.places[max(bisect_right(self.offsets, offset) - 1, 0)]


def _without_line_marks(text: str, file: str) -> tuple[str, _Origins]:
    kept: list[str] = []
    offsets, places = [0], [(file, 1)]
    at = length = 0
    for mark in _LINE_MARK.finditer(text):
        kept.append(text[at : mark.start()])
        length += mark.start() - at
        at = mark.end()
        offsets.append(length)
        places.append((mark[2], int(mark[1])))
    kept.append(text[at:])
    return "".join(kept), _Origins(offsets, places)


def _without_tail(tokens: list[Token]) -> list[Token]:
    """Without closing semicolons and comments after the last word: the text can then stand in parentheses."""
    last = max(at for at, token in enumerate(tokens) if token.significant and token.text != ";")
    return tokens[: last + 1]


def _misplaced(tokens: list[Token], holes: tuple[Hole, ...]) -> list[tuple[int, str]]:
    problems = []
    for at, token in enumerate(tokens):
        if token.kind in ("string", "quoted") and "\x00" in token.text:
            problems.append((token.start + token.text.index("\x00"), _QUOTED))
        elif token.kind == "mark":
            before = tokens[at - 1].text[-1:] if at else ""
            after = tokens[at + 1].text[:1] if at + 1 < len(tokens) else ""
            if _GLUE.match(before) or _GLUE.match(after):
                problems.append((token.start, _GLUED))
            elif isinstance(_hole(token, holes), Relation) and "." in (before, after):
                problems.append((token.start, _DOTTED))
        elif token.kind == "word" and token.text.lower().startswith(PREFIX):
            problems.append((token.start, f"names that begin with {PREFIX} are reserved"))
    return problems


_QUOTED = "{{ }} inside quotes: leave them out, augury writes the quotes (for a name: ident('a' ~ 'b'))"
_GLUED = "{{ }} touches what is beside it: a value cannot be part of a word (for a name: ident('a' ~ 'b'))"
_DOTTED = "a relation stands alone after FROM or JOIN: give it an alias, and use the alias before a column"


def _hole(token: Token, holes: tuple[Hole, ...]) -> Hole:
    return holes[int(token.text.strip("\x00"))]


@dataclass
class _Writer:
    origins: _Origins
    holes: tuple[Hole, ...]
    parts: list[str | Slot] = field(default_factory=list)
    _lines: list[tuple[str, int] | None] = field(default_factory=lambda: [None])
    _brackets: list[str] = field(default_factory=list)
    _relations: int = 0

    def write(self, tokens: list[Token], at: int, token: Token) -> None:
        if token.kind == "other" and token.text in "[{(":
            self._brackets.append(token.text)
        elif token.kind == "other" and token.text in "]})":
            self._brackets.pop()
        if token.kind == "mark":
            self._fill(_hole(token, self.holes), tokens, at)
        elif token.kind == "comment":
            self._emit(_HOLE_MARK.sub("...", token.text), token.start)
        elif token.kind == "other" and self._is_parameter(tokens, at):
            return
        elif token.kind == "word" and at and self._is_parameter(tokens, at - 1):
            self._slot(Slot(f"{PREFIX}{token.text.lower()}", None, token.text.lower()), token.start)
        else:
            self._emit(token.text, token.start)

    def places(self) -> tuple[tuple[str, int], ...]:
        """An empty line belongs to the one before it."""
        found: list[tuple[str, int]] = []
        for place in self._lines:
            found.append(place or (found[-1] if found else self.origins.places[0]))
        return tuple(found)

    def _is_parameter(self, tokens: list[Token], at: int) -> bool:
        """`@run_date`, `$run_date`, `:run_date`; not a cast, a slice `[1:cutoff]` or a field `{a:cutoff}`."""
        sign = tokens[at].text
        if sign not in ("@", "$", ":") or at + 1 == len(tokens):
            return False
        if tokens[at + 1].text.lower() not in RUN_VALUES:
            return False
        before = tokens[at - 1].text[-1:] if at else ""
        inside = self._brackets[-1] if self._brackets else ""
        return sign != ":" or (inside not in ("[", "{") and not re.match(r"[\w$'\"`:)\]]", before))

    def _fill(self, hole: Hole, tokens: list[Token], at: int) -> None:
        match hole:
            case str():
                self._emit(hole, tokens[at].start)
            case RunHole(name):
                self._slot(Slot(PREFIX + name, None, name), tokens[at].start)
            case NamedHole(relation, alias):
                self._relation(relation, alias if alias and _wants_alias(tokens, at) else "", tokens[at].start)
            case _:
                self._relation(hole, natural_name(hole) if _wants_alias(tokens, at) else "", tokens[at].start)

    def _relation(self, relation: Relation, alias: str, offset: int) -> None:
        self._relations += 1
        symbol = f"{PREFIX}{self._relations}_{_described(relation)}"
        self._slot(Slot(symbol, relation, alias=alias), offset)

    def _slot(self, slot: Slot, offset: int) -> None:
        self._mark_line(offset)
        self.parts.append(slot)

    def _emit(self, text: str, offset: int) -> None:
        for at, piece in enumerate(text.split("\n")):
            if at:
                self._lines.append(None)
                offset += 1
            if piece.strip():
                self._mark_line(offset)
            offset += len(piece)
        if self.parts and isinstance(self.parts[-1], str):
            self.parts[-1] += text
        else:
            self.parts.append(text)

    def _mark_line(self, offset: int) -> None:
        if self._lines[-1] is None:
            self._lines[-1] = self.origins.of(offset)


def _refuse_horizon(writer: _Writer) -> None:
    """`@horizon_end` in pasted SQL; in `{{ }}` the name is undefined."""
    line = 0
    for part in writer.parts:
        if isinstance(part, str):
            line += part.count("\n")
        elif part.value == "horizon_end":
            path, number = writer.places()[line]
            raise SpecError([Problem("horizon_end: the pipeline has no `horizon`", path, number)])


def _described(relation: Relation) -> str:
    match relation:
        case Source(name) | Window(name) | Outcome(name) | Reference(name):
            detail = f"_{name}"
        case Ref(step):
            detail = f"_{step}"
        case History(step, days):
            detail = f"_{step}_{days}"
        case OtherRef(pipeline, version, step):
            detail = _of_another(pipeline, version, step)
        case OtherHistory(pipeline, version, step, days):
            detail = f"{_of_another(pipeline, version, step)}_{days}"
        case Staging() | Published():
            detail = ""
    return type(relation).__name__.lower() + detail


def _of_another(pipeline: str, version: str, step: str) -> str:
    """No two relations are described alike: names may hold underscores, so the length says where the first ends."""
    return f"_{len(pipeline)}_{pipeline}_{version or 'v'}_{step}"


_JOINS = ("JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "ASOF", "POSITIONAL", "SEMI", "ANTI")


def _wants_alias(tokens: list[Token], at: int) -> bool:
    """A relation in a FROM clause that the query gives no alias of its own."""
    before = next((one for one in reversed(tokens[:at]) if one.significant), None)
    after = next((one for one in tokens[at + 1 :] if one.significant), None)
    if before is None:
        return False
    if before.text == "(":
        # `FROM (a JOIN b)`, and not `x IN (a)`.
        return after is not None and after.upper in _JOINS
    if before.upper not in ("FROM", "JOIN", "PIVOT", "UNPIVOT") and before.text != ",":
        return False
    if after is None or after.kind not in ("word", "quoted"):
        return True
    return after.kind == "word" and after.upper != "AS" and after.upper in RESERVED
