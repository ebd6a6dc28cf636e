"""Which files make up a pipeline and its versions?

`pipelines/ltv/` is v1. `pipelines/ltv/v2/` holds what differs: its pipeline.yml is laid over the one of the
base folder, its other files replace or add to the base folder's. A base folder without pipeline.yml is no
version itself and only shares its files: that is how v1 is retired while v2 stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from augury.errors import Problem, nearest
from augury.names import ENGINE_STEPS, NAMED_STEPS, VERSION, is_name
from augury.spec.files import SqlFile
from augury.spec.interpolate import Interpolator
from augury.spec.yaml_positions import Node, parse

SETTINGS = "pipeline.yml"
HOOKS = "hooks.py"


@dataclass(frozen=True)
class VersionFiles:
    """The files of one version, those of the base folder included."""

    pipeline: str
    version: str
    folder: Path
    base: Path
    settings: tuple[SqlFile, ...]
    """The texts of pipeline.yml, lowest layer first; empty where there is none."""
    sql: dict[str, SqlFile]
    """Step name to its file."""
    hooks: SqlFile | None
    node: Node | None = None
    """What pipeline.yml would say, where another file says it."""
    batchml: bool = False
    """The tables are called as in BatchML, and its SQL prints variables as they are."""

    def find(self, path: str) -> Path | None:
        """A file named in pipeline.yml: looked for in the version's folder, then in the base folder."""
        return next((at for at in (self.folder / path, self.base / path) if at.is_file()), None)

    def named_elsewhere(self, step: str) -> bool:
        """Whether another pipeline of the project reads a step of this one, judged by the text alone."""
        named = re.compile(rf"""(['"]){self.pipeline}\.(v\d+\.)?{step}\1""")
        files = (path for pattern in ("*.sql", "hooks.py") for path in self.base.parent.rglob(pattern))
        return any(named.search(path.read_text("utf-8", "replace")) for path in files if path.is_file())


@dataclass
class Reader:
    """Reads the files of one project and collects what is wrong with them."""

    root: Path
    interpolator: Interpolator
    problems: list[Problem] = field(default_factory=list)
    parsed: dict[str, Node | None] = field(default_factory=dict)
    """Every YAML file read so far, by its path."""

    def name(self, path: Path) -> str:
        """`path` relative to the project, as people type it."""
        return path.relative_to(self.root).as_posix()

    def text(self, path: Path) -> SqlFile | None:
        """The file, or None and a problem."""
        name = self.name(path)
        try:
            raw = path.read_bytes()
        except OSError as error:
            self.problems.append(Problem(f"cannot be read: {error.strerror}", name))
            return None
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self.problems.append(Problem("is not UTF-8 text: save it as UTF-8", name, line))
            return None
        return SqlFile(name, text.replace("\r\n", "\n"))

    def yaml(self, file: SqlFile) -> Node | None:
        """The tree of a YAML file, or None and problems. Each file is parsed once."""
        if file.path not in self.parsed:
            node, problems = parse(file.text, file.path, self.interpolator)
            self.parsed[file.path] = node
            self.problems += problems
        return self.parsed[file.path]

    def sql_files(self, folder: Path) -> dict[str, SqlFile]:
        """The .sql files of a folder by the step that each names."""
        out: dict[str, SqlFile] = {}
        for path in _listing(folder):
            if path.suffix.lower() != ".sql" or path.name.startswith((".", "_")):
                continue
            objection = _objection(path.stem, path.suffix)
            if objection:
                better = path.stem.lower().replace("-", "_").replace(" ", "_")
                hint = f"{better}.sql" if is_name(better) and better not in ENGINE_STEPS else None
                self.problems.append(Problem(objection, self.name(path), suggestion=hint))
                continue
            file = self.text(path)
            if file is not None:
                if not file.text.strip():
                    self.problems.append(Problem("the file is empty: write a SELECT or delete it", file.path, 1))
                out[path.stem] = file
        return out

    def versions(self, pipeline: str) -> list[VersionFiles]:
        """Every version of one pipeline, ascending."""
        base = self.root / "pipelines" / pipeline
        shared = self._layer(base)
        numbered = self._version_folders(base)
        out: list[VersionFiles] = []
        if shared.settings:
            out.append(VersionFiles(pipeline, "v1", base, base, shared.settings, shared.sql, shared.hooks))
            if "v1" in numbered:
                message = "the folder above is v1 already: remove its pipeline.yml, or call this folder v2"
                self.problems.append(Problem(message, self.name(numbered.pop("v1"))))
        for version, folder in numbered.items():
            own = self._layer(folder)
            settings = (*shared.settings, *own.settings)
            if not settings:
                self._missing_settings(folder)
            sql, hooks = {**shared.sql, **own.sql}, own.hooks or shared.hooks
            out.append(VersionFiles(pipeline, version, folder, base, settings, sql, hooks))
        if not out:
            self._missing_settings(base)
            out.append(VersionFiles(pipeline, "v1", base, base, (), shared.sql, shared.hooks))
        return out

    def _layer(self, folder: Path) -> VersionFiles:
        settings, hooks = folder / SETTINGS, folder / HOOKS
        text = self.text(settings) if settings.exists() or settings.is_symlink() else None
        code = self.text(hooks) if hooks.exists() or hooks.is_symlink() else None
        found = (text,) if text is not None else ()
        return VersionFiles("", "", folder, folder, found, self.sql_files(folder), code)

    def _missing_settings(self, folder: Path) -> None:
        near = next((path.name for path in _listing(folder) if nearest(path.name, [SETTINGS])), None)
        hint = f" (found {near}: rename it)" if near else ""
        self.problems.append(Problem(f"there is no pipeline.yml in this folder{hint}", self.name(folder)))

    def _version_folders(self, base: Path) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for path in _listing(base):
            if path.name.startswith((".", "_")) or not path.is_dir():
                continue
            if VERSION.fullmatch(path.name) and str(int(path.name[1:])) == path.name[1:] != "0":
                found[path.name] = path
            elif any(below.suffix == ".sql" or below.name in (SETTINGS, HOOKS) for below in _listing(path)):
                message = "holds steps but is not a version: the name of a version is v2, v3, ..."
                self.problems.append(Problem(message, self.name(path)))
        return dict(sorted(found.items(), key=lambda item: int(item[0][1:])))


def pipeline_names(root: Path) -> list[str]:
    """Folders of pipelines/, sorted; those that begin with . or _ are left alone."""
    return [
        path.name for path in _listing(root / "pipelines") if not path.name.startswith((".", "_")) and path.is_dir()
    ]


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _objection(step: str, suffix: str) -> str | None:
    if step in ENGINE_STEPS:
        known = ", ".join(NAMED_STEPS)
        return f"augury performs {step} itself: give the file another name (named steps: {known})"
    if not is_name(step) or suffix != ".sql":
        return "is not a step's name: lower-case letters, digits and _, beginning with a letter, then .sql"
    return None
