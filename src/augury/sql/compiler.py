"""From a step's file to CompiledSql: the door of this room.

A template whose values of the run are only printed is rendered once and serves all dates; the others are
rendered for each date. Jinja is imported with the first file, the SQL parser only when lineage is asked for.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from augury.errors import Problem, SpecError
from augury.sql.compiled import CompiledSql, RunValues, Slot
from augury.sql.facts import RUN_VALUES, TemplateFacts
from augury.sql.fingerprint import sql_fingerprint
from augury.sql.glance import volatile_functions

if TYPE_CHECKING:
    from augury.spec.files import Macros, SqlFile
    from augury.sql.rendering import Prepared, Rendered
    from augury.sql.symbolic import Symbolic
    from augury.sql.template import SqlEnvironment

    _Key = tuple[str, SqlFile, str, bool]
    """Step, file, key of the facts, and whether there is no horizon."""

__all__ = ["Compiler", "TemplateFacts"]


class Compiler:
    """Templates of one project for one engine. Safe to use from several threads."""

    def __init__(self, macros: Macros, engine: str) -> None:
        """`engine` is the dialect of whoever runs the SQL, sqlglot's name, as in `WarehouseFeatures.dialect`."""
        self._macro_files = macros.files
        self._engine = engine
        self._prepared: dict[SqlFile, Prepared] = {}
        self._dateless: dict[_Key, CompiledSql | None] = {}
        self._dated: dict[tuple[_Key, RunValues], CompiledSql] = {}
        self._by_text: dict[tuple[str, Rendered, str, bool], CompiledSql] = {}

    def compile(self, step: str, file: SqlFile, facts: TemplateFacts, values: RunValues) -> CompiledSql:
        """The same object for all dates that render to the same text.

        Raises SpecError with all problems of the file that can be found at once.
        """
        key = (step, file, facts.key, values.horizon_end is None)
        if key not in self._dateless:
            self._dateless[key] = self._rendered(step, file, facts, values, per_date=False)
        found = self._dateless[key]
        if found is not None:
            return found
        dated = (key, values)
        if dated not in self._dated:
            compiled = self._rendered(step, file, facts, values, per_date=True)
            assert compiled is not None
            self._dated[dated] = compiled
        return self._dated[dated]

    def check_macros(self) -> None:
        """Raises SpecError with the problems of all files of macros."""
        _ = self._macros

    def _rendered(
        self, step: str, file: SqlFile, facts: TemplateFacts, values: RunValues, *, per_date: bool
    ) -> CompiledSql | None:
        """None where the template must be rendered for each date."""
        from augury.sql.rendering import NeedsDate, Rendering

        rendering = Rendering(step, facts, self._macros, values, per_date)
        try:
            rendered = rendering.render(self._prepare(file))
        except NeedsDate:
            return None
        if facts.tables:
            from augury.sql.named_tables import with_relations

            rendered = with_relations(rendered, facts.tables, facts.dialect, step, facts.production)
        return self._assembled(step, file.path, rendered, facts.dialect, has_horizon=values.horizon_end is not None)

    def _assembled(self, step: str, file: str, rendered: Rendered, dialect: str, *, has_horizon: bool) -> CompiledSql:
        from augury.sql.symbolic import assemble

        key = (file, rendered, dialect, has_horizon)
        if key not in self._by_text:
            made = step == "train_model"
            symbolic = assemble(rendered, file, dialect, has_horizon=has_horizon, creates_model=made)
            # What asks a model is translated with the model in hand.
            engine = dialect if made or step == "predict" else self._engine
            self._by_text[key] = self._compiled(file, symbolic, dialect, engine)
        return self._by_text[key]

    def _prepare(self, file: SqlFile) -> Prepared:
        from augury.sql.rendering import prepare

        if file not in self._prepared:
            self._prepared[file] = prepare(self._environment, file)
        return self._prepared[file]

    @cached_property
    def _environment(self) -> SqlEnvironment:
        from augury.sql.template import SqlEnvironment

        return SqlEnvironment()

    @cached_property
    def _macros(self) -> tuple[Prepared, ...]:
        from augury.sql.rendering import FUNCTIONS, macro_names

        problems: list[Problem] = []
        prepared: list[Prepared] = []
        owners = dict.fromkeys((*FUNCTIONS, *RUN_VALUES), "augury")
        for file in self._macro_files:
            try:
                prepared.append(self._prepare(file))
            except SpecError as error:
                problems += error.problems
                continue
            for name, line in macro_names(prepared[-1].tree):
                if name in owners:
                    problems.append(Problem(f"macro {name!r} is already in {owners[name]}", file.path, line))
                owners.setdefault(name, file.path)
        if problems:
            raise SpecError(problems)
        return tuple(prepared)

    def _compiled(self, file: str, symbolic: Symbolic, dialect: str, engine: str) -> CompiledSql:
        slots = tuple(part for part in symbolic.parts if isinstance(part, Slot) and part.relation is not None)
        parts, places = symbolic.parts, symbolic.places
        if dialect != engine:
            from augury.sql.translation import translated

            parts, places = translated(symbolic, dialect, engine)
        return CompiledSql(
            file=file,
            text=symbolic.text,
            reads=tuple(slot.relation for slot in slots if slot.relation is not None),
            fingerprint=sql_fingerprint(symbolic.tokens, dialect),
            volatile=volatile_functions(symbolic.tokens),
            parts=parts,
            slots=slots,
            places=places,
            text_places=symbolic.places,
            dialect=dialect,
            engine=engine,
        )
