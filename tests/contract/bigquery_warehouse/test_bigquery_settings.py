"""What may `bigquery` of a target say, and as whom is BigQuery then asked?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from augury import plugins
from augury.errors import UsageError
from augury.spec.bigquery import BigQueryPlace, BigQueryTarget
from augury.spec.project import TargetSpec
from augury.testing.bigquery import BigQueryServer
from tests.contract.bigquery_warehouse.room import opened


def target(**given: Any) -> BigQueryTarget:
    return BigQueryTarget.model_validate({"project": "my-project", **given})


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"project": "My Project"}, "project id"),
        ({"dataset": "a-b"}, "dataset id"),
        ({"dataset": "a`; DROP TABLE x"}, "dataset id"),
        ({"location": "eu/../x"}, "location"),
        ({"impersonate": "me"}, "service account"),
        ({"layout": "shards"}, "partitioned"),
        ({"endpoint": "127.0.0.1:9050"}, "http://"),
        ({"endpoint": "http://bigquery.example.com"}, "this machine only"),
        ({"storage_endpoint": "127.0.0.1:9051"}, "endpoint"),
        ({"price_per_tib": -1}, "price_per_tib"),
        ({"max_parallel_jobs": 0}, "max_parallel_jobs"),
        ({"labels": {"Team": "x"}}, "Team"),
        ({"datasett": "x"}, "datasett"),
    ],
)
def test_a_mistake_is_named(given: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        target(**given)


def test_what_a_place_leaves_out_is_the_targets_a5() -> None:
    found = target(dataset="work", location="EU", impersonate="work@my-project.iam.gserviceaccount.com")
    assert found.place(None, "dev") == BigQueryPlace(
        project="my-project",
        dataset="work",
        location="EU",
        impersonate="work@my-project.iam.gserviceaccount.com",
    )
    elsewhere = found.place(BigQueryPlace(project="other-project", credentials="out.json"), "dev")
    assert (elsewhere.project, elsewhere.dataset, elsewhere.location) == ("other-project", "work", None)
    assert (elsewhere.credentials, elsewhere.impersonate) == ("out.json", None)
    assert target().place(None, "dev").dataset == "dev"


def test_without_a_place_there_is_no_warehouse(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bigquery"):
        plugins.load("warehouses", "bigquery").open(
            tmp_path,
            "dev",
            project="shop",
            deployment="",
            target="prod",
            project_root=tmp_path,
            output_root=None,
            threads=None,
            memory=None,
            settings=TargetSpec(),
        )


def test_credentials_that_are_not_there_or_not_any(server: BigQueryServer, dataset: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"key\.json is not there"):
        opened(server, dataset, tmp_path, credentials="key.json").tables()
    for text, word in (
        (json.dumps({"type": "service_acount"}), "did you mean service_account"),
        (json.dumps({"type": "service_account"}), "key.json"),
        ("[]", "JSON"),
        ("{", "JSON"),
    ):
        (tmp_path / "key.json").write_text(text)
        with pytest.raises(UsageError, match="no valid credentials") as refused:
            opened(server, dataset, tmp_path, credentials="key.json").tables()
        assert word in str(refused.value)


def test_only_a_server_of_this_machine_is_asked_without_credentials() -> None:
    assert target(endpoint="http://127.0.0.1:9050").anonymous
    assert not target(endpoint="https://bigquery.example.com").anonymous
    assert not target(endpoint="http://127.0.0.1:9050", credentials="key.json").anonymous
    assert not target().anonymous


def test_opening_asks_nothing(tmp_path: Path) -> None:
    """Google's libraries take more than half a second to import; `augury --help` and `ls` must not."""
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from augury.spec.project import TargetSpec\n"
        "from augury.warehouses.bigquery import BigQueryWarehouse\n"
        "spec = TargetSpec(warehouse='bigquery', bigquery={'project': 'my-project'})\n"
        "BigQueryWarehouse.open(Path('.'), 'dev', project='shop', deployment='', target='dev',\n"
        "    project_root=Path('.'), output_root=None, threads=None, memory=None, settings=spec).close()\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('google', 'grpc', 'pyarrow', 'duckdb')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout == "[]\n"
