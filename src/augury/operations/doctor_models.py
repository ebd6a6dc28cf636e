"""Are the models still the ones that were registered, and is there one for the next date?"""

from __future__ import annotations

from collections.abc import Iterator

from augury import plugins
from augury.errors import ModelFailed, StorageFailed
from augury.operations.artifacts import check_files
from augury.operations.calendar import date_to_score, past_of
from augury.operations.champions import champions_of
from augury.operations.finding import Finding, command
from augury.operations.opened import Opened
from augury.plan.champion import NoChampion
from augury.run.gather import model_file
from augury.spec.files import PipelineSpec


def changed_models(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Models whose files are missing or were changed: they score nothing until they are as they were."""
    for spec in _modelled(opened):
        for record in opened.ledger.models(spec.name, spec.version):
            # A failed gate leaves a model that never scores, and training may have failed before there was one.
            if not record.passed or not record.folder:
                continue
            try:
                check_files(opened, record)
            except ModelFailed as error:
                yield Finding(
                    f"{spec.name} {spec.version}: {error.what}",
                    error.why or "",
                    error.fix or "Restore its files from a copy.",
                )


def nobody_scores(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Pipelines whose next date would be held for want of a champion."""
    for spec in _modelled(opened):
        settings = spec.settings.model
        assert settings is not None
        current = opened.current_version(spec.name)
        if not settings.in_sql and not plugins.load("models", settings.type).trains:
            try:
                model_file(spec)
            except StorageFailed as error:
                yield Finding(
                    f"{spec.name} {spec.version}: the model file is not there: {settings.path}",
                    error.why or "",
                    f"Put it in place, or correct model.path in {spec.file}.",
                )
            continue
        day = date_to_score(spec, past_of(opened, spec).complete, opened.clock())
        choice = champions_of(opened, spec).choose(day)
        if isinstance(choice, NoChampion):
            yield Finding(
                f"{spec.name} {spec.version}: no champion for {day}: the date would be held",
                choice.why,
                f"Train one: {command('train', spec, [day], current=current)}. "
                f"Or look at those that failed: {command('models', spec, current=current)}",
            )


def _modelled(opened: Opened) -> Iterator[PipelineSpec]:
    for versions in opened.spec.pipelines.values():
        yield from (spec for spec in versions.values() if spec.settings.model is not None)
