"""What stands in the files of a new project and of a new pipeline?"""

from __future__ import annotations

GITIGNORE = """\
# Tables, models, ledger and logs of the local targets.
.augury/
__pycache__/
.env
"""

_PROJECT = """\
{schema}
name: {name}
timezone: UTC                           # a run date is a day of this zone

sources:
  orders:
    path: data/orders.csv               # CSV, Parquet or a glob; or `database` and `table` of a .duckdb file
    event_time: ordered_at              # when a row happened: nothing after the cutoff is ever read

targets:                                # where augury writes; dev unless --target says otherwise
  dev: {{path: .augury}}
  prod: {{path: .augury}}                # each target has a folder of its own below its path

# vars: {{margin: 0.35}}                  # in SQL: {{{{ var('margin') }}}}; --vars margin=0.4 overrides it
# defaults: {{owner: you@example.com}}    # keys that every pipeline.yml starts from
"""

_PIPELINE = """\
{schema}
description: How many orders each customer will place in the next 30 days
owner: you@example.com
entity: customer_id                     # column that a prediction is about
horizon: 30d                            # how far label.sql looks past the cutoff
start: 2024-01-01                       # first run date: from here on your data is good
schedule: {{cron: "0 6 * * *", lag: 0d}}  # every day, knowing everything through the day before

model:
  type: boosted_tree_regressor          # BigQuery ML's name
  label: next_orders                    # column of label.sql; predictions are called predicted_next_orders
  missing_label: zero                   # nobody in label.sql: no order
  train: {{schedule: "0 3 1 * *", every: 7d, window: 180d}}   # a new model on the first of each month
  gate: {{mean_absolute_error: "<= 10", beats: champion}}     # otherwise the model before it goes on
"""

_PREPARE = """\
-- Features: one row per customer, as of the cutoff. source('{source}') holds only rows before it, so nothing
-- here can look ahead; the same query makes the training rows and the rows to score.
select
    customer_id,
    count(*) as orders{recency}
from {{{{ source('{source}') }}}}
group by customer_id
"""

_RECENCY = """,
    date_diff('day', cast(max({column}) as date), {{{{ run_date }}}}) as recency_days,
    date_diff('day', cast(min({column}) as date), {{{{ run_date }}}}) as tenure_days"""

_LABEL = """\
-- What happened: outcome('{source}') holds the rows of the horizon from the cutoff on.
-- Only label.sql may look there.
select
    customer_id,
    count(*) as next_orders
from {{{{ outcome('{source}') }}}}
group by customer_id
"""

_VALIDATION = """\
-- One row; every column must be true before the candidate in staging() is published.
select
    count(*) > 0 as not_empty,
    count(predicted_next_orders) = count(*) as no_missing_value
from {{ staging() }}
"""

_READMES = {
    "pipelines": "One folder per pipeline. Make one: `augury new pipeline NAME`\n",
    "macros": "Jinja macros in `.sql` files; every query may call them.\n",
    "reference": "CSV files that change with the model, not with the day: `{{ reference('prices') }}`\n",
    "tests": "Tests of this project.\n",
    "data": "Local data; `path` of a source in augury.yml points here.\n",
}


def schema_line(name: str, depth: int) -> str:
    """The comment by which editors find the JSON Schema of a file `depth` folders below the project."""
    return f"# yaml-language-server: $schema={'../' * depth}.augury-schema/{name}.json"


def project(name: str) -> dict[str, str]:
    """The files of a minimal project by their path."""
    readmes = {f"{folder}/README.md": text for folder, text in _READMES.items()}
    return {"augury.yml": _PROJECT.format(name=name, schema=schema_line("project", 0)), **readmes}


def pipeline(name: str, source: str, event_time: str | None) -> dict[str, str]:
    """The files of a new pipeline by their name; `event_time` as it stands in SQL."""
    recency = _RECENCY.format(column=event_time) if event_time else ""
    return {
        "pipeline.yml": _PIPELINE.format(name=name, schema=schema_line("pipeline", 2)),
        "prepare.sql": _PREPARE.format(source=source, recency=recency),
        "label.sql": _LABEL.format(source=source),
        "validation.sql": _VALIDATION,
    }
