"""The JSON Schema that editors use agrees with what the reader accepts."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from augury import plugins
from augury.models import metrics as evaluated
from augury.spec.json_schema import SCHEMA_NAMES, SchemaName, field_docs, json_schema
from augury.spec.metrics import METRICS
from augury.spec.pipeline import Limits, Model, PipelineSettings, Schedule, StepLimits, Train
from augury.spec.project import ProjectSettings, SourceSpec, TargetSpec
from augury.spec.service import Archive, Service, Throttle
from augury.spec.yaml_positions import parse


def complaints(name: SchemaName, text: str) -> list[str]:
    node, _ = parse(text, "a.yml")
    assert node is not None
    return [error.message for error in Draft202012Validator(json_schema(name)).iter_errors(node.plain())]


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_a_schema_is_one(name: SchemaName) -> None:
    Draft202012Validator.check_schema(json_schema(name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("project", "nam: shop"),
        ("project", "name: shop\ntargets: {dev: {threads: many}}"),
        ("pipeline", "horizon: 90"),
        ("pipeline", "start: yesterday"),
        ("pipeline", "target: prod"),
        ("pipeline", "model: {type: linear_reg, options: {l2_rgg: 1}}"),
        ("pipeline", 'model: {gate: {mean_error: "<= 4"}}'),
        ("pipeline", "steps: {prepare: {columns: {a: {typ: STRING}}}}"),
        ("pipeline", "archive: {shedule: 0 16 * * *}"),
        ("pipeline", "archive: perhaps"),
        ("pipeline", "schedule: {catchup: some}"),
        ("pipeline", "throttle: {predict: {rate: 10/minute}}"),
        ("pipeline", "throttle: {predict: {max_concurrent: 0}}"),
        ("project", "name: shop\nservice: {lease: 30}"),
        ("project", "name: shop\ntargets: {prod: {ledger: mysql://host/db}}"),
    ],
)
def test_an_editor_sees_the_mistake(name: SchemaName, text: str) -> None:
    assert complaints(name, text) != []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("project", "name: shop\ntargets: {dev: {threads: '${THREADS}', memory: 4GB}}"),
        ("pipeline", "steps: {prepare: {columns: {a: INT64 REQUIRED, b: {type: STRING}}}}"),
        ("pipeline", "owner: only what this version changes"),
        ("pipeline", "model: {options: {l2_reg: 1.0}}"),
        ("pipeline", "archive: false"),
        ("pipeline", "archive: {schedule: 0 16 * * *}"),
        ("pipeline", "throttle: {default: {expires: 23h}, predict: {rate: 10/min, max_concurrent: '${MOST}'}}"),
        (
            "pipeline",
            "schedule: {catchup: all, paused: true, poll: 0 */1 * * *}\nlimits: {steps: {prepare: {time: 9m}}}",
        ),
        ("project", "name: shop\nthrottle: {train: {max_concurrent: 1}}\nservice: {poll: 2s, concurrency: 4}"),
        ("project", "name: shop\ntargets: {prod: {ledger: 'postgresql://u:${PASSWORD}@host/db'}}"),
        ("pipeline", "entity: [customer_id, shop_id]\nvars: {a: 1, b: x, c: [1, 2], d: {e: true}}"),
    ],
)
def test_an_editor_accepts_what_the_reader_accepts(name: SchemaName, text: str) -> None:
    assert complaints(name, text) == []


def test_a_gate_may_name_what_the_evaluation_reports() -> None:
    assert {task: set(names) for task, names in METRICS.items()} == {
        task: set(better) for task, better in evaluated.METRICS.items()
    }


@pytest.mark.parametrize(
    "model",
    [
        *(ProjectSettings, TargetSpec, SourceSpec, PipelineSettings, Model, Train, Schedule, Limits, StepLimits),
        *(Throttle, Archive, Service),
    ],
)
def test_every_key_is_described(model: type[BaseModel]) -> None:
    assert set(field_docs(model)) == set(model.model_fields)


def test_fields_are_described_and_model_types_suggested() -> None:
    schema: dict[str, Any] = json_schema("pipeline")
    assert schema["properties"]["horizon"]["description"].startswith("How far ahead the label looks.")
    assert schema["$defs"]["Model"]["properties"]["type"]["examples"] == list(plugins.names("models"))
