"""Do pure tests plan from what the reader would have read?"""

from __future__ import annotations

from pathlib import Path

from augury.spec.reader import read_project
from tests.drafts import Draft
from tests.projects import REVENUE, SPENT, Shop

SETTINGS = """\
horizon: 30d
schedule: {cron: "0 6 * * *", lag: 1d}
vars: {margin: 0.3}
model: {type: linear_reg, label: revenue, missing_label: zero, train: {schedule: "0 3 1 * *", every: 7d}}
"""


def test_a_draft_reads_as_the_folder_that_holds_its_files(tmp_path: Path) -> None:
    shop, draft = Shop.at(tmp_path), Draft(root=tmp_path)
    for each in (shop, draft):
        each.pipeline("ltv", SETTINGS, prepare=SPENT, label=REVENUE, hooks="def prepare(rows):\n    return rows\n")
        each.pipeline("rfm", prepare=SPENT).edit("augury.yml", "name: shop", "name: shop\nvars: {margin: 0.2}")
    assert draft.read() == read_project(tmp_path, target=None, variables={}, environment={})
