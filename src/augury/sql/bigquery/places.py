"""Where in the text does a node of the tree stand?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


def offset_of(node: exp.Expr) -> int:
    """The first name in the node, or in what is around it: only names know their place."""
    from sqlglot import exp

    here: exp.Expr | None = node
    while here is not None:
        for item in here.find_all(exp.Identifier):
            if "start" in item.meta:
                return int(item.meta["start"])
        here = here.parent
    return 0
