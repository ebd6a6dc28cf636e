"""How do values of the environment get into YAML, and which of them are secret?

`${VAR}` is the variable's value, `${VAR:-default}` falls back where it is unset or empty, `$${` means `${`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from augury.spec.secrets import looks_secret

_REFERENCE = re.compile(
    r"\$(?P<literal>\$\{)"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<fallback>:-(?P<default>[^}]*))?\}"
    r"|(?P<broken>\$\{[^}]{0,40}\}?)"
)


@dataclass
class Interpolator:
    """Replaces references to the environment and remembers the secrets it handed out."""

    environment: Mapping[str, str]
    secrets: set[str] = field(default_factory=set)

    def __call__(self, text: str) -> tuple[str, tuple[str, ...]]:
        """`text` with its references replaced, and the names that the environment gave a value for.

        Raises ValueError for a variable that is neither set nor has a default, and for a broken reference.
        """
        used: list[str] = []

        def value(found: re.Match[str]) -> str:
            if found["literal"]:
                return "${"
            if found["broken"]:
                raise ValueError(
                    f"{found['broken']} cannot be read: write ${{NAME}} or ${{NAME:-default}}; $${{ means ${{"
                )
            name = found["name"]
            given = self.environment.get(name)
            if given is None or (given == "" and found["fallback"]):
                if found["fallback"]:
                    return found["default"] or ""
                raise ValueError(f"the environment variable {name} is not set: set it, or write ${{{name}:-default}}")
            used.append(name)
            if looks_secret(name):
                self.secrets.add(given)
            return given

        return _REFERENCE.sub(value, text), tuple(dict.fromkeys(used))
