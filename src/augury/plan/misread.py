"""What is wrong with how the steps of a pipeline read one another? Unknown steps, leaks and rings."""

from __future__ import annotations

from augury.errors import Problem, SpecError
from augury.spec.files import PipelineSpec
from augury.sql.relations import History, Ref, Relation

BEFORE_THE_OUTCOME = frozenset(("extract", "prepare", "filter", "predict", "post_process", "validate"))
"""Steps that know nothing of what happens after the cutoff."""


def refuse_unknown(pipeline: PipelineSpec, reads: dict[str, tuple[Relation, ...]]) -> None:
    problems = [
        Problem(f"{kind}({read.step!r}): this pipeline has no step of that name", file=_file(pipeline, step))
        for step, relations in reads.items()
        for read in relations
        for kind in (type(read).__name__.lower(),)
        if isinstance(read, Ref | History) and read.step not in reads
    ]
    if problems:
        raise SpecError(problems)


def refuse_leaks(pipeline: PipelineSpec, labelled: frozenset[str]) -> None:
    """What happened after the cutoff may reach a model only as its label."""
    leaks = sorted(labelled & BEFORE_THE_OUTCOME)
    if leaks:
        raise SpecError(
            [
                Problem(
                    f"{step} reads an outcome, through a step that it refers to: that is knowledge of the future",
                    file=_file(pipeline, step),
                    suggestion="history('label', days=...), which holds closed labels only",
                )
                for step in leaks
            ]
        )


def _file(pipeline: PipelineSpec, step: str) -> str:
    name = "validation" if step == "validate" else step
    found = pipeline.steps.get(name)
    if found is None:
        return pipeline.file
    if found.sql:
        return found.sql.path
    return found.hook.path if found.hook else pipeline.file


def depth_first(pipeline: PipelineSpec, needs: dict[str, list[str]], complaint: str) -> list[str]:
    """Each step after those that it needs. Raises SpecError naming the ring where there is one."""
    done: list[str] = []
    path: list[str] = []

    def visit(step: str) -> None:
        if step in done:
            return
        if step in path:
            ring = " -> ".join([*path[path.index(step) :], step])
            raise SpecError([Problem(f"{complaint}: {ring}", file=_file(pipeline, step))])
        path.append(step)
        for each in needs[step]:
            visit(each)
        path.pop()
        done.append(step)

    for step in ("extract", "prepare", "filter", "predict", "post_process", *sorted(needs)):
        if step in needs:
            visit(step)
    return done
