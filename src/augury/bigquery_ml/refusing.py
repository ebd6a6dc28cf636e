"""What does a model say to a function that it does not answer?"""

from __future__ import annotations

from collections.abc import Iterable

from augury.errors import UsageError, nearest


def lacking(function: str, model_type: str, lack: str, fix: str) -> UsageError:
    """The type answers the function, this model does not: what it would need, and how it gets it."""
    return UsageError(f"ML.{function.upper()} of a {model_type} model needs {lack}", fix=fix)


def another_type(function: str, model_type: str, answered: Iterable[str], fix: str | None = None) -> UsageError:
    known = sorted(answered)
    close = nearest(function, known)
    return UsageError(
        f"ML.{function.upper()} is not for models of type {model_type}",
        why=f"it answers {', '.join(f'ML.{name.upper()}' for name in known) or 'no function of its own'}",
        fix=fix or (f"Did you mean ML.{close.upper()}?" if close else None),
    )
