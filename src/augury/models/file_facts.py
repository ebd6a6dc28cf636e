"""Does a model file fit the feature list and options of its pipeline?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from augury.errors import ModelFailed, nearest
from augury.models.contract import Feature, Task
from augury.models.signature import Signature

if TYPE_CHECKING:
    from augury.models.model_files import FileOptions


@dataclass(frozen=True)
class FileFacts:
    """What a model file says about itself."""

    file: str
    task: Task
    columns: int
    names: tuple[str, ...] | None
    """In order; None where it was trained without names."""
    classes: int = 0
    """Of a classifier."""
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the name in the file."""
    unlisted: tuple[str, ...] = ()
    """Categories whose levels the file holds without saying whose they are."""
    spelling: Callable[[str], str] = str
    """How the library writes a column's name into the file."""

    def signature(self, features: Sequence[str], label: str, options: FileOptions) -> Signature:
        """The model's inputs and outputs. Raises ModelFailed with everything that does not fit."""
        problems = [*self._names(features), *self._options(features, options)]
        classes: tuple[Any, ...] = ()
        if self.task == "classification":
            classes = tuple(options.classes) if options.classes is not None else tuple(range(self.classes))
            if len(classes) != self.classes:
                problems.append(f"classes: {len(classes)} names for {self.classes} classes")
        elif options.classes is not None:
            problems.append("classes: the model is a regression")
        if problems:
            raise ModelFailed(
                f"the model file {self.file} does not fit the pipeline",
                why="; ".join(problems),
                fix="Mend model.features or model.options in pipeline.yml, or take another file.",
            )
        return Signature(
            task=self.task,
            label=label,
            classes=classes,
            features=tuple(self._feature(name, at, options) for at, name in enumerate(features)),
        )

    def _feature(self, name: str, at: int, options: FileOptions) -> Feature:
        stored = self.names[at] if self.names else name
        levels = options.categories.get(name) or self.levels.get(stored)
        if levels:
            return Feature(name, "category", tuple(levels))
        return Feature(name, options.types.get(name, "number"))

    def _names(self, features: Sequence[str]) -> list[str]:
        if not features:
            return ["features: a model file needs its list of features, in the order of its columns"]
        if self.names is None or len(features) != self.columns:
            listed = f"features: {len(features)} listed, the file has {self.columns}"
            return [] if len(features) == self.columns else [listed, *self._strangers(features)]
        wrong = [
            (at, name, stored)
            for at, (name, stored) in enumerate(zip(features, self.names, strict=True), 1)
            if self.spelling(name) != stored
        ]
        if wrong and {self.spelling(name) for name in features} == set(self.names):
            at, name, stored = wrong[0]
            return [f"features: other order, place {at} is {name} but {stored} in the file"]
        return self._strangers(features)

    def _strangers(self, features: Sequence[str]) -> list[str]:
        known = self.names or ()
        given = {self.spelling(name) for name in features}
        out = [f"features: the file has {stored}, which is not listed" for stored in known if stored not in given]
        for name in features:
            if known and self.spelling(name) not in known:
                close = nearest(name, known)
                out.append(f"features: {name} is not in the file" + (f", did you mean {close}?" if close else ""))
        return out

    def _options(self, features: Sequence[str], options: FileOptions) -> list[str]:
        unknown = [
            f"{key}: {name} is not a feature"
            for key, names in (("categories", options.categories), ("types", options.types))
            for name in names
            if name not in features
        ]
        both = [f"types: {name} is a category" for name in options.types if name in options.categories]
        untold = [
            f"types: {name}: list its values under categories"
            for name, kind in options.types.items()
            if kind == "category" and name not in options.categories
        ]
        missing = [
            f"categories: say the values of {name}, in the order of their codes"
            for name in self.unlisted
            if name not in {self.spelling(given) for given in options.categories}
        ]
        return unknown + both + untold + missing


def level_names(levels: Sequence[Any], column: str) -> tuple[str, ...]:
    """Category levels of a file as text, as SQL casts them. Raises ModelFailed for fractions."""
    if any(isinstance(level, float) for level in levels):
        raise ModelFailed(
            f"the categories of {column} are fractions",
            why="their text is not unique",
            fix="Train it on text.",
        )
    return tuple(str(level).lower() if isinstance(level, bool) else str(level) for level in levels)
