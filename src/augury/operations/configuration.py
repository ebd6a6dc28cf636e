"""Which value has each setting, and where does it come from?"""

from __future__ import annotations

from typing import Any

from augury.errors import UsageError, nearest
from augury.spec.files import ProjectSpec
from augury.spec.resolved import ConfigValue, pipeline_values, project_values


def config(spec: ProjectSpec, pipeline: str | None = None) -> tuple[tuple[str, Any, str], ...]:
    """(dotted key, value as YAML has it, origin) of the project, or of one pipeline; secrets are masked.

    Of a pipeline with several versions, every key begins with its version. Raises UsageError for an unknown one.
    """
    if pipeline is None:
        return tuple(_row(value) for value in project_values(spec))
    versions = spec.pipelines.get(pipeline)
    if versions is None:
        close = nearest(pipeline, spec.pipelines)
        raise UsageError(
            f"there is no pipeline called {pipeline!r}",
            fix=f"Did you mean {close!r}?" if close else "See: augury ls",
        )
    return tuple(
        _row(value, f"{version}." if len(versions) > 1 else "")
        for version, found in versions.items()
        for value in pipeline_values(spec, found)
    )


def _row(value: ConfigValue, prefix: str = "") -> tuple[str, Any, str]:
    return f"{prefix}{value.key}", value.value, value.origin
