"""Which alerts are shipped for Prometheus? The rules beside this file, as text."""

from __future__ import annotations

from importlib.resources import files

FILE = "augury.rules.yml"


def rules() -> str:
    """A file of Prometheus alert rules; put it where `rule_files` of prometheus.yml looks."""
    return files(__name__).joinpath(FILE).read_text("utf-8")
