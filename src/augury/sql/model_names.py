"""Which model does a statement of BigQuery ML mean by the name that the project gives it?

The SQL of a version always says `dataset.github_v1_model`. Every training makes a model of its own, so that a date is
scored by the one that belongs to it; where the statement says the shared name, that one's name is put.
"""

from __future__ import annotations

from collections.abc import Sequence

from augury.sql.named_tables import path_end
from augury.sql.tokens import scan

_BETWEEN = ("IF", "NOT", "EXISTS")


def with_model(sql: str, names: Sequence[str], actual: str) -> tuple[str, bool]:
    """The SQL with `actual`, as it is, for every model that it calls by one of `names`; and whether there was one."""
    tokens = list(scan(sql, "bigquery"))
    out: list[str] = []
    found = False
    at = 0
    after_model = False
    while at < len(tokens):
        token = tokens[at]
        if after_model and token.kind in ("word", "quoted") and token.upper not in _BETWEEN:
            end = path_end(tokens, at)
            written = "".join(each.text.strip("`") for each in tokens[at:end])
            # A project before the dataset is that of whoever wrote it; the model is this version's all the same.
            named = written in names or written.partition(".")[2] in names[:1]
            out.append(actual if named else "".join(each.text for each in tokens[at:end]))
            found, after_model, at = found or named, False, end
            continue
        if token.significant:
            after_model = token.upper == "MODEL" or (after_model and token.upper in _BETWEEN)
        out.append(token.text)
        at += 1
    return "".join(out), found
