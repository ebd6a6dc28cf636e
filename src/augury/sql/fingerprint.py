"""What identifies a definition, whatever its comments, white space and letter case?"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from hashlib import blake2b

from augury.errors import Problem, SpecError
from augury.sql.tokens import Token, canonical, scan

Part = str | bytes | int | None


def combine(*parts: Part) -> str:
    """The one hashing function: BLAKE2b-128 of the parts, their types and their order, as 32 hex digits."""
    return blake2b(b"".join(map(_encoded, parts)), digest_size=16).hexdigest()


def _encoded(part: Part) -> bytes:
    """Its kind, its length and its bytes."""
    match part:
        case str():
            # Surrogates come from file names that are no UTF-8.
            data = part.encode("utf-8", "surrogatepass")
            return b"s%d:%b" % (len(data), data)
        case None:
            return b"n0:"
        case bytes():
            return b"b%d:%b" % (len(part), part)
        case int():
            data = b"%d" % part
            return b"i%d:%b" % (len(data), data)


def sql_fingerprint(tokens: Sequence[Token], dialect: str) -> str:
    """Of the significant tokens of a query."""
    return combine("sql", dialect, *canonical(tokens))


def hook_fingerprint(text: str, function: str, file: str = "hooks.py") -> str:
    """Of the whole of hooks.py as Python sees it, and of the function called.

    The whole file counts because a hook may use any of its helpers; comments, layout and docstrings do not.
    Raises SpecError where `text` is not Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        message = getattr(error, "msg", None) or str(error)
        raise SpecError([Problem(f"not valid Python: {message}", file=file, line=line)]) from error
    return combine("hook", function, _shape(tree))


def _shape(node: object) -> str:
    """A node as text. Empty fields are left out: newer Pythons add such fields to old nodes."""
    if isinstance(node, list):
        return "[" + ",".join(map(_shape, node)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for name, value in ast.iter_fields(node):
        kept = _without_docstring(node, value) if name == "body" and isinstance(value, list) else value
        if kept not in (None, []) and name not in ("type_comment", "kind"):
            fields.append(f"{name}={_shape(kept)}")
        elif isinstance(node, ast.Constant) and name == "value":
            fields.append(f"{name}={kept!r}")
    return f"{type(node).__name__}({','.join(fields)})"


def _without_docstring(node: ast.AST, body: list[ast.AST]) -> list[ast.AST]:
    documented = isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    if documented and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        return body[1:]
    return body


# -- which line changed --------------------------------------------------------------------------------------

_JINJA_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_NO_ALIAS = frozenset(("FROM", "END", "NULL", "TRUE", "FALSE", "BY", "ON", "AND", "OR", "SELECT", "ALL"))


def changed_line(old_text: str, new_text: str, dialect: str = "duckdb") -> tuple[int, str]:
    """The first line of the new template that says something else, and the alias next to the change.

    1-based. Comments, white space and the case of keywords do not count while another difference exists. The
    alias is empty where the line has none.
    """
    old, new = _lines(old_text, dialect), _lines(new_text, dialect)
    meanings = [list(canonical(tokens)) for _, tokens in old], [list(canonical(tokens)) for _, tokens in new]
    for at, (_, meaning) in enumerate(zip(new, meanings[1], strict=True)):
        before = meanings[0][at] if at < len(old) else []
        if meaning != before:
            line, tokens = new[at]
            return line, _alias_near(tokens, _first_difference(before, meaning))
    if len(old) > len(new):
        return (new[-1][0] if new else 1), ""
    raw = zip(old_text.splitlines(), new_text.splitlines(), strict=False)
    return next((line for line, (a, b) in enumerate(raw, 1) if a != b), 1), ""


def _lines(text: str, dialect: str) -> list[tuple[int, list[Token]]]:
    """Lines that say something, with their numbers. A token of several lines belongs to its first."""
    plain = _JINJA_COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    lines: dict[int, list[Token]] = {}
    line = 1
    for token in scan(plain, dialect):
        if token.significant:
            lines.setdefault(line, []).append(token)
        line += token.text.count("\n")
    return list(lines.items())


def _first_difference(old: list[str], new: list[str]) -> int:
    pairs = zip(old, new, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))


def _alias_near(tokens: list[Token], changed: int) -> str:
    """The name that the changed expression gets: the first alias from the change on, else the last before."""
    aliases = [
        (at, token.text.strip('"`'))
        for at, token in enumerate(tokens)
        if token.kind in ("word", "quoted")
        and (
            (at > 0 and tokens[at - 1].upper == "AS")
            or (
                (at + 1 == len(tokens) or tokens[at + 1].text == ",")
                and token.upper not in _NO_ALIAS
                and (at == 0 or tokens[at - 1].text not in ("(", "{"))
            )
        )
    ]
    after = [name for at, name in aliases if at >= changed]
    return after[0] if after else (aliases[-1][1] if aliases else "")
