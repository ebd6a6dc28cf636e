"""augury turns a folder of SQL and YAML into predictions in the warehouse, every day.

>>> from augury import Project                                                            # doctest: +SKIP
>>> with Project.open("shop") as project:                                                 # doctest: +SKIP
...     project.run("ltv", DateRange.one(date(1998, 1, 15)))                              # doctest: +SKIP

Names are imported when they are first used: `import augury` loads none of the engines.
"""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from augury.dates import DateRange
    from augury.errors import AuguryError, ExitCode
    from augury.project import Project

__version__ = "0.1.0"

__all__ = ["AuguryError", "DateRange", "ExitCode", "Project", "__version__"]

_HOMES = {
    "AuguryError": "augury.errors",
    "DateRange": "augury.dates",
    "ExitCode": "augury.errors",
    "Project": "augury.project",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'augury' has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(_HOMES[name]), name)
    return found
