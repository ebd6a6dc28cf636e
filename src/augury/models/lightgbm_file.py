"""What does a LightGBM text file say about itself?"""

from __future__ import annotations

import json
import re

from augury.errors import ModelFailed
from augury.models.contract import Task
from augury.models.file_facts import FileFacts, level_names

REGRESSIONS = (
    "regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie",
    "cross_entropy", "cross_entropy_lambda",
)  # fmt: skip
CLASSIFICATIONS = ("binary", "multiclass", "multiclassova")

NEEDED = ("objective", "feature_names", "feature_infos", "num_class", "tree_sizes")


def describe(text: str, file: str) -> FileFacts:
    """Raises ModelFailed where the text is cut off or its objective cannot be predicted with."""
    head, _, trees = text.partition("\n\n")
    header = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    if missing := [key for key in NEEDED if key not in header]:
        raise ModelFailed(f"{file} says nothing about {', '.join(missing)}", fix="Save the model again.")
    _check_trees(trees, header["tree_sizes"], file)
    objective = header["objective"].split()[0]
    task = _task(objective, file)
    names = tuple(header["feature_names"].split(" "))
    infos = header["feature_infos"].split(" ")
    # Numbers have a range [low:high], categories their codes 0:1:2, and a constant column has `none`.
    categories = [name for name, info in zip(names, infos, strict=True) if info != "none" and info[0] != "["]
    stored = _stored_levels(text)
    matched = len(stored) == len(categories)
    return FileFacts(
        file=file,
        task=task,
        columns=len(names),
        names=None if all(re.fullmatch(r"Column_\d+", name) for name in names) else names,
        classes=max(int(header["num_class"]), 2) if task == "classification" else 0,
        levels={
            name: level_names(levels, name) for name, levels in zip(categories, stored, strict=True)
        } if matched else {},
        unlisted=() if matched or not stored else tuple(categories),
        spelling=lambda name: re.sub(r"\s", "_", name),
    )  # fmt: skip


def _check_trees(trees: str, sizes: str, file: str) -> None:
    """Raises ModelFailed where a tree is not where the header says: LightGBM ends the process on a
    broken one.
    """
    at = 0
    for number, size in enumerate(sizes.split()):
        if not trees.startswith(f"Tree={number}\n", at) or not size.isdecimal():
            break
        at += int(size)
    else:
        if trees.startswith("end of trees", at):
            return
    raise ModelFailed(f"{file} is cut off or was edited", why="its trees do not have the sizes that it states")


def _task(objective: str, file: str) -> Task:
    if objective in REGRESSIONS:
        return "regression"
    if objective in CLASSIFICATIONS:
        return "classification"
    raise ModelFailed(
        f"{file} was trained for the objective {objective}, which does not predict a value or a class",
        why=f"known: {', '.join((*REGRESSIONS, *CLASSIFICATIONS))}",
    )


def _stored_levels(text: str) -> list[list[object]]:
    """Levels of the data frame's category columns, in the order of those columns."""
    found = re.search(r"^pandas_categorical:(.*)$", text[-1_000_000:], re.MULTILINE)
    try:
        levels = json.loads(found[1]) if found else []
    except ValueError:
        levels = []
    return levels if isinstance(levels, list) else []
