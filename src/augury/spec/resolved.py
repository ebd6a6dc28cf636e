"""What is every setting, after all layers, and where did it come from? What `augury config show` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from augury.spec.files import PipelineSpec, ProjectSpec
from augury.spec.secrets import Masker
from augury.spec.service import DEFAULT as DEFAULT_THROTTLE
from augury.spec.service import Throttle, throttle_of

DEFAULT = "default"


@dataclass(frozen=True)
class ConfigValue:
    key: str
    """Dotted, as in `schedule.cron`."""
    value: Any
    """As it may be written in YAML (`90d`, not 90); secrets are masked."""
    origin: str
    """`augury.yml:12`, `environment variable X (augury.yml:12)`, `--vars`, `--target` or `default`."""


def project_values(project: ProjectSpec) -> tuple[ConfigValue, ...]:
    """Every value of augury.yml, with the target in use first."""
    dumped = project.settings.model_dump(mode="json", exclude={"defaults"})
    dumped["throttle"], inherited = _throttles(project.settings.throttle, project.origins)
    unnamed = project.settings.batchml or "name of the target"
    named = project.origins.get(f"targets.{project.target_name}.namespace", unnamed)
    head = (
        ConfigValue("target", project.target_name, project.origins.get("target", DEFAULT)),
        ConfigValue("namespace", project.namespace, named),
    )
    return (*head, *_values(dumped, {**project.origins, **inherited}, Masker(project.secrets)))


def pipeline_values(project: ProjectSpec, pipeline: PipelineSpec) -> tuple[ConfigValue, ...]:
    """Every value of one version of a pipeline: keys, the zone of its schedule, and variables."""
    dumped = pipeline.settings.model_dump(mode="json")
    dumped["schedule"]["timezone"] = pipeline.zone.key
    dumped["vars"] = pipeline.vars
    dumped["throttle"], inherited = _throttles(pipeline.settings.throttle, pipeline.origins)
    origins = {**pipeline.origins, **inherited}
    if pipeline.settings.schedule.timezone is None and "timezone" in project.origins:
        origins["schedule.timezone"] = project.origins["timezone"]
    return tuple(_values(dumped, origins, Masker(project.secrets)))


def _throttles(throttles: Mapping[str, Throttle], origins: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Each throttle as it counts, and where those of its keys come from that it takes over from `default`."""
    shared = throttles.get(DEFAULT_THROTTLE, Throttle()).model_fields_set
    inherited = {
        f"throttle.{step}.{key}": origins[f"throttle.{DEFAULT_THROTTLE}.{key}"]
        for step, own in throttles.items()
        for key in shared - own.model_fields_set
    }
    return {step: throttle_of(throttles, step).model_dump(mode="json") for step in throttles}, inherited


def _values(dumped: Mapping[str, Any], origins: Mapping[str, str], masker: Masker) -> Iterator[ConfigValue]:
    for key, value in _flat(dumped, ""):
        yield ConfigValue(key, _masked(value, masker), _origin(key, origins))


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _flat(below, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _origin(key: str, origins: Mapping[str, str]) -> str:
    """The origin of the key, or of the short form above it: `columns.x` for `columns.x.type`."""
    while key:
        if key in origins:
            return origins[key]
        key = key.rpartition(".")[0]
    return DEFAULT


def _masked(value: Any, masker: Masker) -> Any:
    if isinstance(value, list):
        return [_masked(item, masker) for item in value]
    return masker.mask(value) if isinstance(value, str) else value
