from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud import bigquery

from augury.testing.bigquery import BigQueryServer
from tests.functional.bigquery.cloud import EXAMPLES, Cloud, example

DAY = "1998-01-15"


@pytest.fixture(scope="session")
def server() -> Iterator[BigQueryServer]:
    with BigQueryServer() as made:
        yield made


@pytest.fixture(scope="session")
def ltv(server: BigQueryServer, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """The example ltv, learning from fewer dates, with one date published on both targets."""
    made = example("ltv", tmp_path_factory.mktemp("ltv"), server)
    made.edit("pipelines/ltv/pipeline.yml", 'schedule: "0 3 1 * *" ', 'schedule: "0 3 1 1,7 *" ')
    made.edit("pipelines/ltv/pipeline.yml", "every: 7d ", "every: 28d ")
    made.edit("pipelines/ltv/pipeline.yml", "window: 180d ", "window: 120d\n    folds: 2 ")
    for target in ("dev", "cloud"):
        made.does(target, "run", "ltv", "--date", DAY)
    return made


@pytest.fixture(scope="session")
def forks(server: BigQueryServer, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """The BatchML example, whose source is a table of another project in the cloud; nothing has run."""
    made = example("forks", tmp_path_factory.mktemp("forks"), server, dataset="science")
    made.edit("augury.yml", "  test:\n", "  test:\n    environment: test\n")
    client = server.client("bigquery-public-data")
    dataset = bigquery.Dataset("bigquery-public-data.samples")
    dataset.location = "EU"
    client.create_dataset(dataset)
    how = bigquery.LoadJobConfig(source_format="CSV", skip_leading_rows=1, autodetect=True)
    with (EXAMPLES / "forks" / "data" / "github_timeline.csv").open("rb") as file:
        client.load_table_from_file(
            file, f"{dataset.project}.{dataset.dataset_id}.github_timeline", job_config=how
        ).result()
    return made
