"""Which names does BigQuery take?

BigQuery docs: "Introduction to datasets" (dataset names), "Create and use tables" (table names), "Specify a schema"
(column names, flexible column names), "Labels" (requirements), REST "JobReference".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from augury.testing.bigquery.refusals import Refusal, invalid

PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{0,62}")
DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
JOB = re.compile(r"[A-Za-z0-9_-]{1,1024}")
DECORATOR = re.compile(r"\d{4}|\d{6}|\d{8}|\d{10}|__NULL__|__UNPARTITIONED__")
LOCATION = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")
LABEL_KEY = re.compile(r"[^\W\dA-Z_][\w-]{0,62}")
LABEL_VALUE = re.compile(r"[\w-]{0,63}")
MOST_LABELS = 64
RESERVED = ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER", "_CHANGE_")
TABLE_CATEGORIES = ("L", "M", "N", "Pc", "Pd", "Zs")
COLUMN_CATEGORIES = ("L", "M", "N", "Pc", "Pd", "Zs")
COLUMN_SIGNS = "&%=+:'<>#|"


def project(name: Any) -> str:
    return _matching(PROJECT, name, "project ID")


def dataset(name: Any) -> str:
    return _matching(DATASET, name, "dataset ID")


def job(name: Any) -> str:
    return _matching(JOB, name, "job ID")


def location(name: Any) -> str:
    """Multi-regions are written in capitals, regions in small letters, whatever the request says."""
    found = _matching(LOCATION, name, "location")
    return found.upper() if found.upper() in ("US", "EU") else found.lower()


def table(name: Any) -> tuple[str, str | None]:
    """(table, partition decorator) of a table ID."""
    if not isinstance(name, str):
        raise invalid(f"Invalid table ID {name!r}.")
    plain, _, decorator = name.partition("$")
    fits = all(unicodedata.category(sign).startswith(TABLE_CATEGORIES) for sign in plain)
    if not plain or not fits or len(plain.encode()) > 1024:
        raise invalid(
            f"Invalid table ID {name!r}. Table IDs must be alphanumeric (plus underscores, dashes and spaces) and must "
            "be at most 1024 bytes long."
        )
    if "$" not in name:
        return plain, None
    if not DECORATOR.fullmatch(decorator):
        raise invalid(f"Invalid table ID {name!r}: {decorator!r} is no partition decorator.")
    return plain, decorator


def model(name: Any) -> str:
    plain, decorator = table(name)
    if decorator is not None:
        raise invalid(f"Invalid model ID {name!r}.")
    return plain


def column(name: Any) -> str:
    """One column name, which may have the signs of flexible column names."""
    fits = isinstance(name, str) and all(
        unicodedata.category(sign).startswith(COLUMN_CATEGORIES) or sign in COLUMN_SIGNS for sign in name
    )
    if not fits or not name or len(name) > 300:
        raise invalid(f"Invalid field name {str(name)!r}.")
    if name.upper().startswith(RESERVED):
        raise invalid(f"Invalid field name {name!r}. The prefix is reserved.")
    return str(name)


def labels(found: Any) -> Mapping[str, str]:
    """Labels of a resource or a job."""
    if not isinstance(found, Mapping):
        raise invalid("Labels must be an object of strings.")
    if len(found) > MOST_LABELS:
        raise invalid(f"A resource has at most {MOST_LABELS} labels.")
    for key, value in found.items():
        if not LABEL_KEY.fullmatch(key):
            raise invalid(f"Label key {key!r} has invalid characters.")
        if not isinstance(value, str) or not LABEL_VALUE.fullmatch(value) or value != value.lower():
            raise invalid(f"Label value {value!r} has invalid characters.")
    return dict(found)


def _matching(pattern: re.Pattern[str], name: Any, kind: str) -> str:
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise Refusal("invalid", f"Invalid {kind} {str(name)[:200]!r}.")
    return name
