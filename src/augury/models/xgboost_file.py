"""What does an XGBoost model file say about itself?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from augury.errors import ModelFailed
from augury.models.contract import Task
from augury.models.file_facts import FileFacts, level_names
from augury.models.native import xgboost
from augury.models.ubjson import is_whole

if TYPE_CHECKING:
    from augury.models.xgboost_library import Booster

CLASSIFICATIONS = ("binary:logistic", "multi:softprob", "multi:softmax")
RAW_SCORES = ("binary:logitraw", "binary:hinge")


def check_whole(content: bytes, file: str) -> None:
    """Raises ModelFailed where the file is not one complete document: XGBoost may end the process on it."""
    if content[:2] in (b'{"', b"{\n", b"{ "):
        try:
            json.loads(content)
        except ValueError as error:
            raise ModelFailed(f"{file} is not an XGBoost model", why=f"broken JSON: {error}") from error
    elif not content.startswith(b"{") or not is_whole(content):
        raise ModelFailed(
            f"{file} is not an XGBoost model",
            why="it is neither JSON nor a complete UBJ document",
            fix='Save it with booster.save_model("model.ubj").',
        )


def describe(booster: Booster, file: str) -> FileFacts:
    """Raises ModelFailed where the objective cannot be predicted with.

    `multi:softmax`, which returns the class alone, is set to `multi:softprob`: the same model, with
    probabilities.
    """
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    task = _task(objective, file)
    if objective == "multi:softmax":
        booster.set_param({"objective": "multi:softprob"})
    if task == "regression" and int(learner["learner_model_param"].get("num_target", 1)) > 1:
        raise ModelFailed(f"{file} predicts several values", fix="Use one file per value.")
    names = booster.feature_names
    columns = booster.num_features()
    return FileFacts(
        file=file,
        task=task,
        columns=columns,
        names=tuple(names) if names else None,
        classes=max(int(learner["learner_model_param"].get("num_class", 0)), 2) if task == "classification" else 0,
        levels=_levels(booster),
    )


def _task(objective: str, file: str) -> Task:
    if objective in CLASSIFICATIONS:
        return "classification"
    if objective.startswith(("reg:", "count:")):
        return "regression"
    why = "it returns scores, not probabilities" if objective in RAW_SCORES else "known: reg:*, count:*, "
    raise ModelFailed(
        f"{file} was trained for the objective {objective}, which does not predict a value or a class",
        why=why if objective in RAW_SCORES else why + ", ".join(CLASSIFICATIONS),
    )


def _levels(booster: Booster) -> dict[str, tuple[str, ...]]:
    """Levels of the data frame's category columns; XGBoost stores them from 3.1 on.

    Only the package hands them out as Arrow, and only a file that is new to augury is asked.
    """
    if "c" not in (booster.feature_types or ()):
        return {}
    whole = xgboost().Booster(model_file=bytearray(booster.save_raw()))
    stored = whole.get_categories(export_to_arrow=True) if hasattr(whole, "get_categories") else None
    found = stored.to_arrow() if stored is not None else []
    return {name: level_names(levels.to_pylist(), name) for name, levels in found if levels is not None}
