"""A project that is only written down: what augury would read from its folder, without the folder.

For tests of what is pure. `tests/functional/spec/test_spec_drafts.py` compares with the real reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Self

from augury.errors import SpecError
from augury.spec.cascade import origins_of, sources_of
from augury.spec.files import Macros, ProjectSpec, SqlFile
from augury.spec.folder import Reader, VersionFiles
from augury.spec.interpolate import Interpolator
from augury.spec.pipeline_reader import PipelineReader, Surroundings
from augury.spec.project import ProjectSettings
from tests.projects import AUGURY, Files


@dataclass
class Draft(Files):
    """augury.yml with its pipelines, each in one version; the target is `dev`."""

    texts: dict[str, str] = field(default_factory=lambda: {"augury.yml": AUGURY})
    """Path to content."""
    root: Path = Path("/drafts/shop")
    """Where it would be."""

    def write(self, path: str, text: str) -> Self:
        self.texts[path] = dedent(text)
        return self

    def text(self, path: str) -> str:
        return self.texts[path]

    def remove(self, path: str) -> Self:
        del self.texts[path]
        return self

    def read(self) -> ProjectSpec:
        """Raises SpecError with every problem of the pipelines."""
        files = _Texts(self.root, self.texts)
        node = files.yaml(SqlFile("augury.yml", self.texts["augury.yml"]))
        assert node is not None
        settings = ProjectSettings.model_validate(node.plain())
        names = sorted({path.split("/")[1] for path in self.texts if path.startswith("pipelines/")})
        reader = PipelineReader(files, Surroundings(settings, node, "dev", {}, {}, tuple(names)))
        pipelines = {name: reader.versions(name) for name in names}
        if files.problems:
            raise SpecError(files.problems)
        target = settings.targets["dev"]
        return ProjectSpec(
            root=self.root,
            settings=settings,
            target_name="dev",
            target=target,
            namespace="dev",
            sources=sources_of(settings, target),
            references={},
            macros=Macros(),
            pipelines=pipelines,
            names=tuple(names),
            environment="dev",
            origins={**origins_of(node), "target": "default"},
        )


class _Texts(Reader):
    """Finds the files of a pipeline among texts."""

    def __init__(self, root: Path, texts: Mapping[str, str]) -> None:
        super().__init__(root, Interpolator({}))
        self._texts = texts

    def versions(self, pipeline: str) -> list[VersionFiles]:
        folder = f"pipelines/{pipeline}/"
        files = {
            path.removeprefix(folder): SqlFile(path, text)
            for path, text in self._texts.items()
            if path.startswith(folder)
        }
        sql = {name.removesuffix(".sql"): file for name, file in sorted(files.items()) if name.endswith(".sql")}
        base = self.root / folder
        return [VersionFiles(pipeline, "v1", base, base, (files["pipeline.yml"],), sql, files.get("hooks.py"))]
