"""What does a TRANSFORM clause make of the columns, and how is it learnt once and applied for ever?

    transform = read_transform(text, line)            # the select list: problems with their places
    transform.check(columns)                          # before the engine complains about a column that is missing
    sql = transform.fit_sql(relation)                 # DuckDB SQL that gives one row; None: nothing to learn
    bound = transform.bind(row, columns)              # `row`: that one row as a dict; `columns`: of the training query
    sql = bound.select_sql(relation)                  # training: the outputs under their own names
    sql = bound.select_sql(relation, keep=columns, names={"x": "__augury_x"})   # prediction: beside the input
    BoundTransform.from_dict(json.loads(json.dumps(bound.as_dict())))           # the same SQL again

`relation` is what may stand behind FROM in DuckDB: a quoted name or a query in parentheses. All SQL that comes out is
DuckDB's. What was learnt stands in the SQL as constants, so training and prediction cannot differ.
(BigQuery docs: 'The CREATE MODEL statement', TRANSFORM.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augury.errors import ModelFailed, Problem
from augury.names import quote
from augury.sql.bigquery_ml.lexer import refused
from augury.sql.bigquery_ml.transform_calls import Call, one_line, restore
from augury.sql.bigquery_ml.transform_items import Item, read_items
from augury.sql.bigquery_ml.transform_learning import LEARNING, Learnt
from augury.sql.bigquery_ml.transform_types import complaint

_ROWS = "rows"
_TYPE = "type"
_Known = Mapping[int, Mapping[str, Learnt]]
"""What each call learnt, by its number."""


@dataclass(frozen=True)
class Output:
    """One column that TRANSFORM gives."""

    name: str
    sql: str
    """DuckDB SQL over the columns of the input, on one line."""
    inputs: tuple[str, ...]
    """Columns of the input that it reads, as the training query spells them."""

    @property
    def passed(self) -> bool:
        """Whether it is a column of the input, unchanged."""
        return len(self.inputs) == 1 and self.sql == quote(self.inputs[0])


@dataclass(frozen=True)
class BoundTransform:
    """A TRANSFORM clause with what it learnt; a value that JSON can hold."""

    text: str
    """The clause as its author wrote it."""
    outputs: tuple[Output, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(output.name for output in self.outputs)

    def needs(self, names: Iterable[str] | None = None) -> tuple[str, ...]:
        """Columns of the input that these outputs, or all of them, read."""
        wanted = self._chosen(names)
        return tuple(dict.fromkeys(column for output in wanted for column in output.inputs))

    def select_sql(self, relation: str, *, keep: Sequence[str] = (), names: Mapping[str, str] | None = None) -> str:
        """A SELECT of the columns to `keep` as they are, then of the outputs.

        `names` chooses the outputs and says what each is called; without it all come under their own names.
        """
        shown = [quote(column) for column in keep]
        shown += [f"{each.sql} AS {quote(names[each.name] if names else each.name)}" for each in self._chosen(names)]
        return f"SELECT {', '.join(shown)} FROM {relation} AS __augury_input"

    def _chosen(self, names: Iterable[str] | None) -> tuple[Output, ...]:
        if names is None:
            return self.outputs
        known = {output.name: output for output in self.outputs}
        return tuple(known[name] for name in names)

    def as_dict(self) -> dict[str, Any]:
        outputs = [{"name": each.name, "sql": each.sql, "inputs": list(each.inputs)} for each in self.outputs]
        return {"text": self.text, "outputs": outputs}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> BoundTransform:
        """Raises KeyError and TypeError where this is not what `as_dict` gave."""
        outputs = (Output(each["name"], each["sql"], tuple(each["inputs"])) for each in stored["outputs"])
        return cls(stored["text"], tuple(outputs))


@dataclass(frozen=True)
class Transform:
    """A TRANSFORM clause that has seen no rows yet."""

    text: str
    items: tuple[Item, ...]
    calls: tuple[Call, ...]
    """Of ML functions, in the order of the text; markers in the items name them by number."""

    @property
    def learns(self) -> bool:
        return any(call.function.analytic for call in self.calls)

    def fit_sql(self, relation: str) -> str | None:
        """One query over the training rows that gives one row: what `bind` takes."""
        if not self.learns:
            return None
        arguments: dict[int, str] = {}

        def remember(call: Call, sql: tuple[str, ...]) -> Mapping[str, Learnt]:
            if call.function.analytic:
                arguments[call.number] = sql[0]
            return {name: Learnt("NULL") for name in call.lessons}

        for item in self.items:
            restore(item.sql, self.calls, remember)
        columns = ", ".join(f"{sql} AS a{number}" for number, sql in arguments.items())
        learnt = [f'count(*) AS "{_ROWS}"']
        for number in arguments:
            learnt.append(f"any_value(typeof(a{number})) AS {_statistic(number, _TYPE)}")
            for name, lesson in self.calls[number].lessons.items():
                learnt.append(f"{lesson.fit(f'a{number}')} AS {_statistic(number, name)}")
        # The rows may be a stream that can be read once only.
        kept = "MATERIALIZED " if any(LEARNING in each for each in learnt) else ""
        source = f"WITH {LEARNING} AS {kept}(SELECT {columns} FROM {relation} AS __augury_input)"
        return f"{source} SELECT {', '.join(learnt)} FROM {LEARNING}"

    def check(self, columns: Sequence[str]) -> None:
        """Raises SpecError where the training query does not have a column that is read."""
        known = {column.lower(): column for column in columns}
        problems = [problem for item in self.items for problem in item.missing(known)]
        if problems:
            raise refused(problems)

    def bind(self, statistics: Mapping[str, Any] | None, columns: Sequence[str]) -> BoundTransform:
        """With the row that `fit_sql` gave and the columns of the training query.

        Raises SpecError (a column that the query does not have) and ModelFailed (rows that nothing can be learnt from).
        """
        self.check(columns)
        known = {column.lower(): column for column in columns}
        learnt = self._constants(statistics or {})
        outputs: list[Output] = []
        for item in self.items:
            if item.star:
                outputs += self._star(item, columns, known, learnt)
            elif not item.replaces:
                outputs.append(self._output(item, known, learnt))
        return BoundTransform(self.text, self._unique(outputs))

    def _star(self, star: Item, columns: Sequence[str], known: Mapping[str, str], learnt: _Known) -> list[Output]:
        """The columns in their order, replaced ones in their places."""
        replaced = {item.name.lower(): item for item in self.items if item.replaces}
        out: list[Output] = []
        for name in columns:
            if name.lower() in replaced:
                out.append(self._output(replaced[name.lower()], known, learnt))
            elif name.lower() not in star.hidden:
                out.append(Output(name, quote(name), (name,)))
        return out

    def _output(self, item: Item, known: Mapping[str, str], learnt: _Known) -> Output:
        inputs = tuple(known[name.lower()] for name in item.inputs)
        if item.column:
            return Output(item.name, quote(inputs[0]), inputs)
        sql = restore(item.sql, self.calls, lambda call, _: learnt.get(call.number, {}))
        return Output(item.name, one_line(sql), inputs)

    def _constants(self, statistics: Mapping[str, Any]) -> dict[int, Mapping[str, Learnt]]:
        out: dict[int, Mapping[str, Learnt]] = {}
        for call in self.calls:
            if not call.function.analytic:
                continue
            try:
                out[call.number] = {name: _constant(call, name, statistics) for name in call.lessons}
            except ValueError as error:
                raise ModelFailed(
                    f"{call.shown} on line {call.line} cannot learn from these rows", why=str(error)
                ) from error
        return out

    def _unique(self, outputs: Sequence[Output]) -> tuple[Output, ...]:
        seen: dict[str, Output] = {}
        for output in outputs:
            if output.name.lower() in seen:
                item = next(item for item in reversed(self.items) if item.star or item.name == output.name)
                message = f"TRANSFORM gives the column {output.name} twice: leave one out with * EXCEPT ({output.name})"
                raise refused([Problem(message, item.file, item.line)])
            seen[output.name.lower()] = output
        return tuple(seen.values())


def read_transform(text: str, line: int = 1, file: str | None = None) -> Transform:
    """The select list between the parentheses of TRANSFORM( ... ).

    `line` is the line of the file that `text` begins on. Raises SpecError with every problem and its place.
    """
    items, calls = read_items("\n" * (line - 1) + text, file)
    return Transform(text.strip(), items, calls)


def _statistic(number: int, name: str) -> str:
    return f"s{number}_{name}"


def _constant(call: Call, name: str, statistics: Mapping[str, Any]) -> Learnt:
    """Raises ValueError where the rows are of another type, or hold what nothing can be learnt from."""
    lesson = call.lessons[name]
    found = statistics.get(_statistic(call.number, _TYPE))
    if found is not None and (wrong := complaint(lesson.takes, found)) is not None:
        raise ValueError(wrong)
    return lesson.constant(statistics[_statistic(call.number, name)])
