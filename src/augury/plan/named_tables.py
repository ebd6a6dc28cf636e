"""Which tables may the SQL of a pipeline call by the names that BigQuery has for them?"""

from __future__ import annotations

from collections.abc import Iterator

from augury.spec.files import PipelineSpec, ProjectSpec
from augury.spec.others import readable_steps
from augury.sql.relations import OtherRef, Published, Ref, Relation, Source, Staging

_NO_TABLE = ("validation", "train_model", "post_process", "predict")
"""Files that leave no table of their own, or one that has another name."""


def named_tables(project: ProjectSpec, pipeline: PipelineSpec) -> dict[str, Relation]:
    """Full name to relation: sources by their `table`, and what augury writes into the target's namespace."""
    if pipeline.dialect != "bigquery":
        return {}
    # The project's own location: a target may have the same rows elsewhere.
    sources = {spec.table: Source(name) for name, spec in project.settings.sources.items() if spec.table}
    return {
        **{name: relation for name, relation in sources.items() if name and "{date}" not in name},
        **{f"{project.namespace}.{table}": relation for table, relation in _written(project, pipeline)},
    }


def _of_another(pipeline: PipelineSpec) -> Iterator[tuple[str, Relation]]:
    """What a version of another pipeline, or another version of this one, lets others read."""
    name, version, tables = pipeline.name, pipeline.version, pipeline.tables
    for step in readable_steps(pipeline):
        yield tables.step(step), OtherRef(name, version, step)
    for published in filter(None, (tables.predictions, tables.version_view)):
        yield published, OtherRef(name, version, "publish")


def _written(project: ProjectSpec, pipeline: PipelineSpec) -> Iterator[tuple[str, Relation]]:
    tables = pipeline.tables
    for name, versions in project.pipelines.items():
        if name != pipeline.name:
            yield next(iter(versions.values())).tables.current_predictions, OtherRef(name, "", "publish")
        for version, other in versions.items():
            if (name, version) != (pipeline.name, pipeline.version):
                yield from _of_another(other)
    for step in pipeline.steps:
        if step not in _NO_TABLE:
            yield tables.step(step), Ref(step)
    yield tables.staging, Staging()
    yield tables.predictions, Published()
    if tables.version_view:
        yield tables.version_view, Published()
