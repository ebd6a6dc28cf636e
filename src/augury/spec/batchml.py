"""What does a BatchML project say, read as it is?

`batchml.yaml` lists models and versions under `models`; each version has five SQL files in the folder of its model,
`<code>_<version>_<role>.sql`. Keys cascade from `global` over the environment (`test`, `prod`) to the model, and every
key is a variable of the SQL. One rule is stricter than BatchML's: an environment other than production never gets a
value that names production's dataset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from types import MappingProxyType

from augury.errors import Problem, nearest
from augury.names import MODEL_STEPS, VERSION, is_name
from augury.spec.files import SqlFile
from augury.spec.folder import Reader, VersionFiles
from augury.spec.yaml_positions import Node, merge

ENVIRONMENTS = ("test", "prod")
DATASET = "target_dataset"
_SECTIONS = ("global", *ENVIRONMENTS, "models")
_OF_MODELS = ("name", "description", "url", "versions")
"""Words about a model; every other key below it is one of the cascade."""
_TYPE = "bigquery_ml"
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
"""What Jinja reads."""
_PRESETS = MappingProxyType(
    {
        "@hourly": "0 * * * *",
        "@daily": "0 0 * * *",
        "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *",
        "@quarterly": "0 0 1 */3 *",
        "@yearly": "0 0 1 1 *",
    }
)
"""Airflow's words for schedules, and its cron expressions for them (its page "Cron & Time Intervals")."""


@dataclass(frozen=True)
class BatchmlProject:
    """The models of one environment; none of a project that is not BatchML's."""

    environment: str = ""
    dataset: str = ""
    """What SQL calls `target_dataset`; empty where the file does not say."""
    production: str = ""
    """The dataset that this environment never reaches; empty in production."""
    codes: tuple[str, ...] = ()
    """Of all models."""
    read: Callable[[str], tuple[VersionFiles, ...]] = lambda _: ()
    """The versions of one model: what is wrong with another is no reason not to run it."""


def environment_of(target: str, asked: str | None) -> str:
    """`asked` is the target's own word; a target called like an environment is that one, and every other is `test`."""
    return asked or (target if target in ENVIRONMENTS else "test")


def read_batchml(files: Reader, path: str, environment: str) -> BatchmlProject:
    """Problems end up in `files.problems`."""
    if environment not in ENVIRONMENTS:
        message = f"BatchML has no environment {environment}: write `environment: test` or `environment: prod`"
        close = nearest(environment, ENVIRONMENTS)
        files.problems.append(Problem(message, "augury.yml", key="targets", suggestion=close))
        return BatchmlProject(environment, "")
    found = files.root / path
    if not found.is_file():
        files.problems.append(Problem(f"there is no file {path}", "augury.yml", key="batchml"))
        return BatchmlProject(environment, "")
    file = files.text(found)
    node = files.yaml(file) if file else None
    if node is None:
        return BatchmlProject(environment, "")
    return _Reading(files, found.parent, node, environment).project()


@dataclass(frozen=True)
class _Reading:
    files: Reader
    folder: Path
    """Where batchml.yaml and the folders of the models lie."""
    node: Node
    environment: str

    def project(self) -> BatchmlProject:
        self._refuse_sections()
        shared = self._config(None)
        dataset = _text(shared.get(DATASET))
        if not dataset:
            message = f"the environment {self.environment} has no {DATASET}: name one under `{self.environment}`"
            self._problem(message, shared.get(DATASET) or self.node.get(self.environment))
        elif not is_name(dataset):
            message = f"{DATASET} is {dataset!r}: a name of lower-case letters, digits and _ is needed"
            self._problem(message, shared.get(DATASET))
        models = self.node.get("models")
        codes = models.keys() if models else ()
        if not codes:
            self._problem("there are no models: add one under `models`", models)
        return BatchmlProject(
            self.environment, dataset, self._production, codes, lambda code: tuple(self._versions(code, dataset))
        )

    @property
    def _production(self) -> str:
        production = self.node.get("prod")
        named = production.get(DATASET) if production is not None else None
        return _text(named) if self.environment != "prod" else ""

    def _refuse_sections(self) -> None:
        for name in self.node.value:
            if name not in _SECTIONS:
                message = f"there is no section {name} in BatchML ({', '.join(_SECTIONS)})"
                self._problem(message, self.node.get(name), nearest(name, _SECTIONS))
        for name in (*_SECTIONS[:-1], "models"):
            section = self.node.get(name)
            if section is not None and section.value is not None and not isinstance(section.value, dict):
                self._problem(f"{name}: keys and values are expected", section)

    def _versions(self, code: str, dataset: str) -> Iterator[VersionFiles]:
        model = self.node.at(("models", code))
        if not is_name(code):
            self._problem(f"{code} is not a model's code: lower-case letters, digits and _ are", model)
            return
        if (self.files.root / "pipelines" / code).is_dir():
            self._problem(f"models.{code}: there is a pipeline of the same name in pipelines/{code}: rename one", model)
        config = self._config(code)
        self._refuse_production(code, config, dataset)
        versions = model.get("versions")
        if versions is None or not isinstance(versions.value, dict) or not versions.value:
            self._problem(f"models.{code} has no versions: add `versions: {{v1: {{note: ...}}}}`", model)
            return
        for version in sorted(versions.value, key=lambda name: (len(name), name)):
            if not VERSION.fullmatch(version):
                self._problem(f"{version} is not a version: v1, v2, ... are", versions.get(version))
                continue
            sql = self._sql(code, version)
            yield VersionFiles(
                pipeline=code,
                version=version,
                folder=self.folder / code,
                base=self.folder / code,
                settings=(),
                sql=sql,
                hooks=None,
                node=_pipeline_node(model, versions.at((version,)), _variables(config, sql)),
                batchml=True,
            )

    def _sql(self, code: str, version: str) -> dict[str, SqlFile]:
        """The five files of a version by role, as they are."""
        folder, prefix = self.folder / code, f"{code}_{version}_"
        out = {}
        for role in MODEL_STEPS:
            path = folder / f"{prefix}{role}.sql"
            if path.is_file():
                file = self.files.text(path)
                if file is not None:
                    out[role] = file
            else:
                self.files.problems.append(Problem(f"there is no {self.files.name(path)}", self.node.file))
        known = {f"{prefix}{role}.sql" for role in MODEL_STEPS}
        for path in sorted(folder.glob(f"{prefix}*.sql")):
            if path.name not in known:
                message = f"is none of the five files of a version ({', '.join(MODEL_STEPS)})"
                close = nearest(path.name, known)
                self.files.problems.append(Problem(message, self.files.name(path), suggestion=close))
        return out

    def _config(self, code: str | None) -> dict[str, Node]:
        """Every key of the cascade: global, then the environment, then the model."""
        sections = [self.node.get("global"), self.node.get(self.environment)]
        if code is not None:
            own = self.node.at(("models", code))
            kept = {key: child for key, child in own.value.items() if key not in _OF_MODELS} if own.keys() else {}
            sections.append(replace(own, value=kept))
        layers = [section for section in sections if section is not None and isinstance(section.value, dict)]
        return dict(reduce(merge, layers, Node({}, self.node.file, 1)).value)

    def _refuse_production(self, code: str, config: Mapping[str, Node], dataset: str) -> None:
        """No model chooses another dataset than its environment's, and a test names nothing of production."""
        own = config.get(DATASET)
        if own is not None and _text(own) != dataset:
            message = f"models.{code}: {DATASET} is {_text(own)}, and {self.environment} writes to {dataset}"
            self._problem(f"{message}: all models of an environment share its dataset", own)
            return
        name = self._production
        if not name:
            return
        word = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])")
        for key, value in config.items():
            if word.search(_text(value)):
                message = f"{key} names {name}, the dataset of production, in the environment {self.environment}"
                self._problem(message, value)

    def _problem(self, message: str, node: Node | None, suggestion: str | None = None) -> None:
        place = node or self.node
        found = Problem(message, place.file, place.line, suggestion=suggestion)
        if found not in self.files.problems:
            self.files.problems.append(found)


def _variables(config: Mapping[str, Node], sql: Mapping[str, SqlFile]) -> dict[str, Node]:
    """Without keys that are no variables of augury and that no SQL names: settings of Airflow often stand here too.

    The dataset is no variable that could be given another value.
    """
    texts = (text for file in sql.values() for text in _TAG.findall(file.text))
    words = {word for text in texts for word in re.findall(r"[\w-]+", text)}
    usable = {key: value for key, value in config.items() if key in words or (is_name(key) and _is_flat(value))}
    return {key: value for key, value in usable.items() if key != DATASET}


def _is_flat(node: Node) -> bool:
    below = node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
    return not any(isinstance(each.value, dict | list) for each in below)


def _pipeline_node(model: Node, version: Node, config: Mapping[str, Node]) -> Node:
    """What pipeline.yml would say of a version, each value where batchml.yaml says it."""
    here = Node(None, model.file, model.line)
    out: dict[str, Node] = {
        "entity": replace(here, value=[]),
        "model": replace(here, value={"type": replace(here, value=_TYPE)}),
    }
    named = model.get("name")
    described = model.get("description") or named
    words = (("description", described), ("url", model.get("url")), ("note", version.get("note")))
    out |= {key: replace(value, value=_text(value)) for key, value in words if value is not None and _text(value)}
    cron = config.get("schedule")
    if cron is not None:
        # As for Airflow, `schedule:` without a value means that nobody but a person starts it.
        never = cron.value is None
        out["schedule"] = replace(cron, value={"paused": replace(cron, value=True)} if never else {"cron": _cron(cron)})
    archived = config.get("archive_schedule")
    if archived is not None and archived.value is not None:
        out["archive"] = replace(archived, value={"schedule": _cron(archived)})
    out["vars"] = replace(here, value=dict(config))
    return replace(here, value=out)


def _cron(node: Node) -> Node:
    return replace(node, value=_PRESETS.get(node.value, node.value) if isinstance(node.value, str) else node.value)


def _text(node: Node | None) -> str:
    return "" if node is None or isinstance(node.value, dict | list) or node.value is None else str(node.value)
