"""The library door: `Project.open(path)`, and the one place where a project's parts are put together."""

from augury.project.project import Project

__all__ = ["Project"]
