"""Is a task that failed tried again, and when?"""

from __future__ import annotations

from augury.ledger.queue_records import QueuedTask
from augury.service.policy import backoff
from augury.spec.files import ProjectSpec
from augury.spec.service import DEFAULT, throttle_of_task


def retry_after(project: ProjectSpec, task: QueuedTask) -> float | None:
    """Seconds until the next attempt of a task that failed; None where that was its last one, or where the pipeline is
    no longer in the project."""
    pipeline = project.pipelines.get(task.pipeline, {}).get(task.version)
    if pipeline is None:
        return None
    step = task.step or DEFAULT
    throttle = throttle_of_task(project.settings.throttle, pipeline.settings.throttle, step)
    if task.failures >= throttle.retries:
        return None
    return backoff(task.failures + 1, throttle.backoff, f"{task.run_id} {task.task}")
