"""Whatever stands in the files: settings survive a round trip, and garbage is a problem, never a crash."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from augury.errors import CannotStart
from augury.spec.hooks_reader import Known, parse_hooks, resolve_hooks
from augury.spec.interpolate import Interpolator
from augury.spec.pipeline import PipelineSettings
from augury.spec.reader import read_project
from augury.spec.secrets import SHORTEST, Masker
from augury.spec.yaml_positions import merge, parse

names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
scalars = st.one_of(st.text(max_size=20), st.integers(-(10**12), 10**12), st.booleans())
periods = st.builds("{}{}".format, st.integers(0, 999), st.sampled_from("dw"))
spans = st.builds("{}{}".format, st.integers(1, 999), st.sampled_from("dw"))
days = st.dates(date(1990, 1, 1), date(2050, 1, 1))


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Any]:
    """pipeline.yml as its author could write it."""
    start = draw(days)
    return {
        "entity": draw(st.one_of(names, st.lists(names, min_size=1, max_size=3, unique=True))),
        "horizon": draw(spans),
        "start": str(start),
        "end": str(start + timedelta(days=draw(st.integers(1, 1000)))),
        "description": draw(st.text(max_size=30)),
        "schedule": {"cron": "0 6 * * *", "lag": draw(periods), "timezone": "Europe/Madrid"},
        "model": {
            "type": "linear_reg",
            "label": draw(names),
            "train": {"every": draw(spans), "folds": draw(st.integers(1, 50))},
            "gate": {"mean_absolute_error": f"<= {draw(st.integers(0, 99))}", "beats": "champion"},
        },
        "steps": {draw(names): {"columns": {draw(st.text(min_size=1, max_size=9)): "INT64 REQUIRED"}}},
        "limits": {"time": f"{draw(st.integers(1, 99))}m", "memory": f"{draw(st.integers(1, 99))}GB"},
        "vars": draw(st.dictionaries(names, scalars, max_size=3)),
    }


@given(pipelines())
def test_settings_written_and_read_again_are_the_same(written: dict[str, Any]) -> None:
    settings = PipelineSettings.model_validate(written)
    again = json.loads(settings.model_dump_json())
    assert PipelineSettings.model_validate(again) == settings


trees = st.recursive(
    scalars,
    lambda below: st.one_of(
        st.lists(below, max_size=3),
        st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda key: key != "<<"), below, max_size=3),
    ),
    max_leaves=10,
)
mappings = st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda key: key != "<<"), trees, min_size=1)


def as_yaml(tree: dict[str, Any]) -> str:
    """Every scalar quoted, with a tag where it is not text."""
    return str(yaml.safe_dump(tree, default_style='"', allow_unicode=True, sort_keys=False))


@given(mappings)
def test_quoted_yaml_is_read_as_it_was_written(tree: dict[str, Any]) -> None:
    node, problems = parse(as_yaml(tree), "a.yml")
    assert problems == []
    assert node is not None
    assert node.plain() == tree


@given(mappings, mappings)
def test_a_layer_laid_on_another_wins_and_adds(base: dict[str, Any], over: dict[str, Any]) -> None:
    low, high = parse(as_yaml(base), "base.yml")[0], parse(as_yaml(over), "over.yml")[0]
    assert low is not None
    assert high is not None
    merged = merge(low, high)
    assert set(merged.plain()) == set(base) | set(over)
    assert merge(merged, high).plain() == merged.plain()
    for path, leaf in high.leaves():
        assert merged.at(path) == leaf


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_garbage_yaml_is_a_problem_and_never_a_crash(text: str) -> None:
    node, problems = parse(text, "a.yml", Interpolator({}))
    assert node is not None or problems
    for problem in problems:
        assert problem.line is None or 1 <= problem.line <= len(text.splitlines()) + 1


@contextlib.contextmanager
def project(pipeline: bytes, hooks: bytes) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pipelines/ltv").mkdir(parents=True)
        (root / "augury.yml").write_text("name: shop\n")
        (root / "pipelines/ltv/pipeline.yml").write_bytes(pipeline)
        (root / "pipelines/ltv/hooks.py").write_bytes(hooks)
        (root / "pipelines/ltv/prepare.sql").write_text("select 1\n")
        yield root


@given(st.one_of(st.binary(max_size=100), mappings.map(lambda tree: json.dumps(tree).encode())), st.binary())
def test_a_project_of_garbage_is_refused_with_problems(pipeline: bytes, hooks: bytes) -> None:
    with project(pipeline, hooks) as root, contextlib.suppress(CannotStart):
        read_project(root, target=None, variables={}, environment={})


@given(pipelines(), st.data())
def test_one_wrong_value_anywhere_is_a_problem_on_its_line(written: dict[str, Any], data: st.DataObject) -> None:
    """Values of a wrong kind, put at any key of a valid file, are reported in words with that line."""
    path = data.draw(st.sampled_from([("horizon",), ("start",), ("limits", "time"), ("model", "train", "folds")]))
    here = written
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = data.draw(st.sampled_from([[], {"a": 1}, "?", "no"]))
    text = yaml.safe_dump(written, sort_keys=False, allow_unicode=True)
    node, _ = parse(text, "pipelines/ltv/pipeline.yml")
    assert node is not None
    with project(text.encode(), b"") as root:
        try:
            read_project(root, target=None, variables={}, environment={})
        except CannotStart as error:
            shown = [line.strip() for line in error.lines()]
            assert any(f"pipeline.yml:{node.at(path).line}  {'.'.join(path)}: " in line for line in shown)
            assert not any("validation error" in line or "pydantic" in line for line in shown)
        else:
            raise AssertionError("a wrong value was accepted")


@given(st.text(max_size=200))
def test_garbage_python_is_a_problem_and_never_a_crash(text: str) -> None:
    hooks, _ = parse_hooks(text, "hooks.py", ())
    resolve_hooks(hooks, Known((), (), (), (), ()))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=SHORTEST).filter(
        lambda text: len(text.strip()) >= SHORTEST
    ),
    st.text(max_size=30),
)
def test_z_a_masked_text_never_holds_the_secret(secret: str, around: str) -> None:
    masked = Masker({secret}).mask(f"{around}{secret}|{secret!r}|{json.dumps(secret)}{around}")
    assert secret not in masked.replace("***", "")
