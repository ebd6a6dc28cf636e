"""How does the same work look as an augury project?

python -m benchmarks.project --size 200k --to DIR
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from benchmarks import work
from benchmarks.work import SIZES, Size

TARGET = "dev"
PIPELINE = "ltv"
NAMESPACE = Path(".augury") / TARGET
"""Folder of the tables, below the project."""
PUBLISHED = f"{PIPELINE}_v1_predictions"
ARCHIVE = f"{PIPELINE}_archive"


def write(folder: Path, size: Size) -> None:
    """Write the project of one size into a folder, which is made."""
    pipeline = folder / "pipelines" / PIPELINE
    pipeline.mkdir(parents=True)
    (folder / "augury.yml").write_text(f"""\
name: benchmark
timezone: UTC
sources:
  orders:
    path: {size.orders}
    event_time: ordered_at
targets:
  {TARGET}: {{}}
""")
    (pipeline / "pipeline.yml").write_text(f"""\
description: What a customer will spend in the next {work.HORIZON_DAYS} days
entity: customer_id
start: {work.PIPELINE_START}
model:
  type: lightgbm
  path: model.txt
  label: {work.LABEL}
  features: [{", ".join(work.FEATURES)}]
""")
    shutil.copy(size.model, pipeline / "model.txt")
    for step, query in {
        "prepare": work.prepare("{{ source('orders') }}", "{{ run_date }}"),
        "filter": work.filter_("{{ ref('prepare') }}"),
        "post_process": work.post_process("{{ ref('predict') }}"),
        "validation": work.validation("{{ staging() }}"),
    }.items():
        (pipeline / f"{step}.sql").write_text(query)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--to", type=Path, required=True)
    asked = parser.parse_args()
    write(asked.to, SIZES[asked.size])
    print(f"Wrote {asked.to}. Its newest run date is {work.LAST_DATE}.")


if __name__ == "__main__":
    main()
