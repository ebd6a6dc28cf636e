"""What is left of a template once it is rendered? SQL with a hole for whatever changes from date to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from augury.names import quote
from augury.sql.literals import literal
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

if TYPE_CHECKING:
    from augury.sql.lineage import Lineage


@dataclass(frozen=True)
class RunValues:
    """What changes from date to date."""

    run_date: date
    cutoff: datetime
    """UTC."""
    previous_cutoff: datetime
    """UTC: the cutoff of the run date before this one."""
    horizon_end: datetime | None
    """UTC: the end of what a label sees; None where the pipeline has no horizon."""


@dataclass(frozen=True)
class Slot:
    """A hole in the text."""

    symbol: str
    """What stands for it in the symbolic text."""
    relation: Relation | None
    """None for a value of the run."""
    value: str = ""
    """Field of RunValues, where it is a value."""
    alias: str = ""
    """Name that a relation gets because the query gives it none."""


@dataclass(frozen=True, eq=False)
class CompiledSql:
    """One template after rendering, good for every date that renders to the same text."""

    file: str
    text: str
    """SQL with a placeholder for each relation and each value of the run."""
    reads: tuple[Relation, ...]
    """Every relation read, in order of appearance, duplicates kept."""
    fingerprint: str
    """Of the SQL: comments, white space, letter case of keywords and a closing semicolon do not count."""
    volatile: tuple[str, ...]
    """Functions whose result is another one each time, such as `now()`: the step is not reproducible."""
    parts: tuple[str | Slot, ...]
    """What the engine gets, cut at the holes: the text itself, or its translation."""
    slots: tuple[Slot, ...]
    """The holes of the text that stand for relations, in its order."""
    places: tuple[tuple[str, int], ...]
    """(file, line) that each line of the bound SQL comes from; the file of a macro where a macro wrote it."""
    text_places: tuple[tuple[str, int], ...]
    """The same for each line of the text."""
    dialect: str
    """In which the template is written."""
    engine: str
    """The dialect that `parts` are in."""

    def bind(self, values: RunValues, resolve: Callable[[Relation], str]) -> str:
        """Executable SQL without a closing semicolon.

        `resolve` gives a parenthesised SELECT on one line for each relation.
        """
        return "".join(part if isinstance(part, str) else self._filled(part, values, resolve) for part in self.parts)

    def _filled(self, slot: Slot, values: RunValues, resolve: Callable[[Relation], str]) -> str:
        if slot.relation is None:
            return literal(getattr(values, slot.value), self.engine)
        sql = resolve(slot.relation)
        return f"{sql} AS {quote(slot.alias, self.engine)}" if slot.alias else sql

    def place(self, line: int) -> tuple[str, int]:
        """Where line `line` (1-based) of the bound SQL was written: (file, line)."""
        at = min(max(line, 1), len(self.places)) - 1
        return self.places[at] if self.places else (self.file, line)

    def place_of(self, relation: Relation) -> tuple[str, int]:
        """Where a relation was written first: (file, line)."""
        symbol = next((slot.symbol for slot in self.slots if slot.relation == relation), "")
        return self._text_place(self.text.count("\n", 0, max(self.text.find(symbol), 0)) + 1)

    def _text_place(self, line: int) -> tuple[str, int]:
        return self.text_places[min(line, len(self.text_places)) - 1] if self.text_places else (self.file, line)

    @property
    def opaque(self) -> bool:
        """The engine may know this syntax, the parser does not: what the query reads outside is unknown."""
        return not self.asks_models and self._lineage.opaque

    @cached_property
    def asks_models(self) -> bool:
        """The text is a statement of BigQuery ML, or calls one of its functions."""
        if self.dialect != "bigquery":
            return False
        from augury.sql.bigquery_ml.queries import is_ml

        return is_ml(self.text)

    @property
    def outside(self) -> tuple[str, ...]:
        """Tables and files read without going through a relation function: where leaks come from."""
        return tuple(name for name, _ in self.outside_lines)

    @cached_property
    def outside_lines(self) -> tuple[tuple[str, int], ...]:
        """`outside`, each with the line of the template that reads it."""
        if self.asks_models:
            from augury.sql.model_lineage import outside_of

            return tuple((name, self._text_place(line)[1]) for name, line in outside_of(self.text))
        if self.contained:
            return ()
        return tuple((name, self._text_place(line)[1]) for name, line in self._lineage.outside)

    @cached_property
    def contained(self) -> bool:
        """Certainly reads nothing but its relations: the words alone say so. False leaves it to the parser.

        Most templates need no parser then, whose import costs more than their whole plan.
        """
        from augury.sql.glance import reads_nothing_outside

        return reads_nothing_outside(self.text, self.dialect)

    @cached_property
    def columns_used(self) -> Mapping[Relation, tuple[str, ...] | None]:
        """Columns that the query may take from each relation, None for all of them.

        Never too few; an empty tuple where only the number of rows matters. A name that only another table
        of the query has may be among them: intersect with the schema, without regard to letter case.
        """
        if self.asks_models:
            return dict.fromkeys(self.reads)
        used: dict[Relation, tuple[str, ...] | None] = {}
        for slot, columns in zip(self.slots, self._lineage.columns, strict=True):
            relation = slot.relation
            assert relation is not None
            before = used.get(relation, ())
            used[relation] = None if before is None or columns is None else _union(before, columns)
        return used

    @cached_property
    def _lineage(self) -> Lineage:
        from augury.sql.lineage import trace

        return trace(self.text, tuple((slot.symbol, slot.alias) for slot in self.slots), self.dialect)


def natural_name(relation: Relation) -> str:
    """What a relation is called in a query that gives it no alias."""
    match relation:
        case Source(name) | Window(name) | Outcome(name) | Reference(name):
            return name
        case Ref(step) | History(step, _):
            return step
        case OtherRef() | OtherHistory():
            return relation.name.rpartition(".")[2]
        case Staging():
            return "staging"
        case Published():
            return "published"


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    seen = {name.lower() for name in first}
    return (*first, *(name for name in second if name.lower() not in seen))
