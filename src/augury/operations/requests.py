"""Can a pipeline do what it is asked to?"""

from __future__ import annotations

from augury.errors import UsageError, nearest
from augury.spec.files import PipelineSpec

OWN = ("predict", "post_process", "validate", "publish", "archive")


def checked_step(pipeline: PipelineSpec, step: str | None) -> str | None:
    """Raises UsageError with the nearest spelling where the pipeline has no such step."""
    if step is None:
        return None
    known = {*pipeline.steps, *OWN} - {"validation", "training", "train_model"}
    if pipeline.settings.model is None:
        known.discard("predict")
    if step == "validation":
        step = "validate"
    if step not in known:
        close = nearest(step, known)
        raise UsageError(
            f"{pipeline.name} has no step {step!r}",
            why=f"it has {', '.join(sorted(known))}",
            fix=f"Did you mean {close!r}?" if close else None,
        )
    return step
