"""The library door, and the one place where a project's parts are put together.

    with Project.open("shop", target="prod") as project:
        result = project.run("ltv", DateRange.one(date(1998, 1, 15)))

Opening reads the specification only. The warehouse and the ledger are opened when first asked for: read-only where
the question does not write.
"""

from __future__ import annotations

from augury.project.deciding import Deciding
from augury.project.keeping import Keeping
from augury.project.looking import Looking
from augury.project.serving import Serving


class Project(Serving, Looking, Deciding, Keeping):
    """A project on one of its targets: what it can do is said in five rooms, opened by one."""
