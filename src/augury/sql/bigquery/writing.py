"""How is a finished expression written, and how is a call of a function?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from augury.sql.bigquery.builders import BUILDERS
from augury.sql.bigquery.calling import Aggregate, Arguments, Context, Sql

if TYPE_CHECKING:
    from sqlglot import exp


def text(node: exp.Expr, context: Context) -> str:
    """SQL of a finished node that can stand beside any operator."""
    from sqlglot import exp

    out: str = context.generator.sql(node)
    loose = isinstance(node, exp.Binary | exp.Unary | exp.Predicate) and not isinstance(node, exp.Paren | exp.Dot)
    return f"({out})" if loose else out


def value(node: exp.Expr, context: Context) -> str:
    """The same, with a whole number as the INT64 that it is: DuckDB's are INTEGER and overflow earlier."""
    from sqlglot import exp

    number = node.this if isinstance(node, exp.Neg | exp.Paren) else node
    if isinstance(number, exp.Literal) and not number.is_string and number.this.isdigit():
        return f"CAST({context.generator.sql(node)} AS BIGINT)"
    return text(node, context)


def finished(built: Sql) -> exp.Expr:
    """A node of a text that is done."""
    from sqlglot import exp

    node = exp.Var(this=built.text)
    if built.kind is not None:
        node.meta["kind"] = built.kind
    if built.length is not None:
        node.meta["length"] = built.length
    return node


def plain(name: str) -> str:
    """A name without the mark of its line."""
    return name.partition("\0")[0]


def anonymous(node: exp.Anonymous, context: Context) -> Sql | None:
    from sqlglot import exp

    parent = node.parent
    if isinstance(parent, exp.IgnoreNulls | exp.RespectNulls):
        parent = parent.parent
    if isinstance(parent, exp.Window) and parent.this in (node, node.parent):
        return None  # with the window
    if isinstance(parent, exp.Pivot) or (isinstance(parent, exp.Alias) and isinstance(parent.parent, exp.Pivot)):
        return None  # with the pivot
    return called(node, context, "")


def window(node: exp.Window, context: Context) -> Sql | None:
    from sqlglot import exp

    call = node.this
    if isinstance(call, exp.IgnoreNulls | exp.RespectNulls):
        call.this.set("expressions", [*call.this.expressions[:-1], type(call)(this=call.this.expressions[-1])])
        call = call.this
    if not isinstance(call, exp.Anonymous):
        return None
    node.set("this", exp.Var(this=""))
    return called(call, context, context.generator.sql(node))


def called(node: exp.Anonymous, context: Context, over: str) -> Sql:
    call = context.call_of(node)
    arguments = Arguments(call, node.expressions, context, windowed=bool(over))
    built = BUILDERS[call.name](arguments)
    mark = f"\0{call.line}\0"
    if isinstance(built, Aggregate):
        if call.safe:
            arguments.refuse(f"SAFE.{call.name}(): SAFE. stands before functions of one row only")
        return Sql(mark + built.wrap.replace("{0}", built.call + over, 1), built.kind, built.length)
    if over:
        arguments.refuse(f"{call.name}() is no aggregate and no window function, so it takes no OVER")
    if call.safe:
        # DuckDB's TRY takes no subquery and nothing that may differ from call to call, such as error().
        if any(word in built.text for word in ("SELECT", "error(", "random(", "gen_random_uuid(")):
            arguments.lacks(f"SAFE.{call.name}() of a subquery or a quotient: name its argument in a WITH first")
        return Sql(f"{mark}TRY({built.text})", built.kind)
    return Sql(mark + built.text, built.kind, built.length)


def moment(node: exp.Expr, context: Context) -> Sql:
    """CURRENT_DATE without parentheses."""
    from augury.sql.bigquery.reading import Call

    name = {
        "CurrentDate": "CURRENT_DATE", "CurrentDatetime": "CURRENT_DATETIME", "CurrentTime": "CURRENT_TIME",
    }.get(type(node).__name__, "CURRENT_TIMESTAMP")  # fmt: skip
    built = BUILDERS[name](Arguments(Call(name, 0, 1, False), [], context))
    assert isinstance(built, Sql)
    return built
