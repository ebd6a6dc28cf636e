"""Are targets, developers and deployments kept apart, whatever a project says (T3, T7, T13)?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_runner import called, refused, rows, worked
from tests.projects import Shop
from tests.tiny import NAMESPACE, PROD, RUN, VISITS, data, everything, tiny

# -- T7: a target cannot write into another's namespace ------------------------------------------------------------


def test_t7_each_target_writes_into_its_own_namespace_alone(live: Shop) -> None:
    prod = everything(live.root / PROD)
    worked(called(*RUN, folder=live.root))
    worked(called(*RUN, "--target", "dev", "--vars", "factor=9", folder=live.root))
    assert everything(live.root / PROD) == prod
    assert rows(
        "select distinct worth / spent as f from visits_predictions join visits_v1_prepare "
        "using (customer_id, run_date) where run_date = '2024-01-13'",
        live.root,
    ) == [{"f": 9.0}]
    assert rows(
        "select distinct worth / spent as f from visits_predictions join visits_v1_prepare "
        "using (customer_id, run_date)",
        live.root,
        "--target",
        "prod",
    ) == [{"f": 3.0}]


@pytest.mark.parametrize(
    "dev",
    [
        "{path: .augury, namespace: prod}",
        "{path: ./data/../.augury, namespace: prod}",
        "{path: .augury/prod, namespace: x}",
        "{path: .augury, output: .augury, namespace: prod}",
        "{path: elsewhere, output: .augury/prod}",
        "{path: elsewhere, models: .augury/prod/_models}",
        "{path: elsewhere, namespace: prod, output: .augury}",
    ],
)
def test_t7_two_targets_that_share_a_folder_are_refused(live: Shop, dev: str) -> None:
    live.edit("augury.yml", "dev: {path: .augury}", f"dev: {dev}")
    before = everything(live.root / ".augury")
    for target in ("dev", "prod"):
        answer = called(*RUN, "--target", target, folder=live.root)
        refused(answer, 2, "augury.yml:", "targets dev and prod would both write")
    assert everything(live.root / ".augury") == before


def test_t7_a_link_to_the_other_namespace_is_seen_through(live: Shop) -> None:
    live.edit("augury.yml", "dev: {path: .augury}", "dev: {path: .augury, namespace: harmless}")
    (live.root / ".augury/harmless").symlink_to(live.root / PROD, target_is_directory=True)
    before = everything(live.root / PROD)
    refused(called(*RUN, folder=live.root), 2, "targets dev and prod would both write to .augury/prod")
    assert everything(live.root / PROD) == before


def test_t7_a_namespace_remembers_its_target(live: Shop) -> None:
    """What YAML cannot see, the mark in the folder says: the folder of prod under another name stays prod's."""
    live.edit("augury.yml", "dev: {path: .augury}", "dev: {path: .augury, namespace: harmless}")
    (live.root / PROD).rename(live.root / ".augury/harmless")
    before = everything(live.root / ".augury/harmless")
    for words in (RUN, ("status",), ("query", "select 1"), ("doctor", "--fix"), ("set-version", "visits", "v1")):
        refused(called(*words, folder=live.root), 2, "belongs to project shop, target prod", "`namespace` of its own")
    assert everything(live.root / ".augury/harmless") == before


def test_t7_the_namespace_of_another_project_is_refused(live: Shop, tmp_path: Path) -> None:
    other = tiny(tmp_path / "mall")
    other.edit("augury.yml", "name: shop", "name: mall")
    other.edit("augury.yml", "dev: {path: .augury}", f"dev: {{path: {live.root}/.augury}}")
    before = everything(live.root)
    for words in (RUN, ("status",), ("query", "select 1"), ("plan", *RUN[1:])):
        refused(called(*words, folder=other.root), 2, "belongs to project shop, target dev", "project mall")
    assert everything(live.root) == before


@pytest.mark.parametrize(
    "key",
    [
        "target: prod",
        "targets: {dev: {path: .augury/prod}}",
        "path: .augury/prod",
        "namespace: prod",
        "output: .augury/prod",
        "models: .augury/prod",
        "deployment: prod",
        "table: visits_predictions",
        "schema: prod",
    ],
)
@pytest.mark.parametrize("place", ["pipeline", "defaults"])
def test_t7_a_pipeline_cannot_choose_where_it_writes(live: Shop, key: str, place: str) -> None:
    if place == "pipeline":
        live.edit(f"{VISITS}/pipeline.yml", "entity:", f"{key}\nentity:")
    else:
        with (live.root / "augury.yml").open("a") as file:
            file.write(f"defaults: {{{key}}}\n")
    before = everything(live.root / ".augury")
    refused(called(*RUN, folder=live.root), 2, key.split(":")[0])
    assert everything(live.root / ".augury") == before


@pytest.mark.parametrize("namespace", ["../prod", "prod/..", "/tmp", "_views", "Prod", "a b", "''", "prod\\n"])
def test_t7_a_namespace_is_a_plain_name(live: Shop, namespace: str) -> None:
    live.edit("augury.yml", "dev: {path: .augury}", f'dev: {{path: .augury, namespace: "{namespace}"}}')
    refused(called(*RUN, folder=live.root), 2, "targets.dev.namespace", "is not a name")


@pytest.mark.parametrize("name", ["Visits", "a.b", "a b", "a-b"])
def test_t7_a_pipeline_has_a_plain_name_too(live: Shop, name: str) -> None:
    """Names of tables come from names of folders."""
    live.write(f"pipelines/{name}/pipeline.yml", "entity: a\nstart: 2024-01-05\n")
    live.write(f"pipelines/{name}/prepare.sql", "select 1 as a")
    refused(called("validate", folder=live.root), 2, f"pipelines/{name}  is not a pipeline's name")


HOSTILE = [
    "insert into visits_predictions select * from visits_v1_prepare",
    "delete from visits_predictions",
    "copy (select 1) to '{leak}'",
    "with x as (copy (select 1) to '{leak}') select 1 as customer_id",
    "with x as (insert into visits_predictions select 1) select 1 as customer_id",
    "select 1 as customer_id; copy (select 1) to '{leak}'",
    "attach '{leak}' as prod",
    "create table x as select 1",
    "drop view visits_predictions",
    "set temp_directory = '/'",
    "pragma enable_profiling",
    "call enable_logging()",
    "install httpfs",
    "export database '{leak}'",
    "{{{{ run_date.__class__ }}}}",
    "{{{{ ''.__class__.__mro__[1].__subclasses__() }}}}",
    "{{% include '/etc/passwd' %}}",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_t7_hostile_sql_in_a_step_cannot_write(live: Shop, sql: str) -> None:
    """Refused when it is compiled, before anything runs."""
    leak = live.root / "leak"
    live.write(f"{VISITS}/prepare.sql", sql.format(leak=leak))
    before = everything(live.root / ".augury")
    refused(called("validate", folder=live.root), 2, f"{VISITS}/prepare.sql")
    refused(called(*RUN, folder=live.root), 2, f"{VISITS}/prepare.sql")
    assert everything(live.root / ".augury") == before
    assert not leak.exists()


def test_t7_a_step_cannot_read_tables_by_name(live: Shop) -> None:
    """Only what the functions hand over is there; other targets have no name at all."""
    for table in ("visits_predictions", "prod.visits_predictions", "visits_v1_prepare"):
        live.write(f"{VISITS}/prepare.sql", f"select * exclude (run_date) from {table}")
        refused(called(*RUN, folder=live.root), 1, "DuckDB refused the query", f"{VISITS}/prepare.sql")


def test_copying_into_another_target_is_refused(live: Shop) -> None:
    prod = everything(live.root / PROD)
    answer = called("copy", "visits_predictions", "--to", "prod", "--yes", folder=live.root)
    assert answer.code == 2, answer.said
    assert everything(live.root / PROD) == prod


def test_an_unknown_target_names_the_nearest(live: Shop) -> None:
    refused(
        called(*RUN, "--target", "prd", folder=live.root), 2, "no target called 'prd'", "Did you mean --target prod?"
    )


# -- T13: a namespace per developer --------------------------------------------------------------------------------


def test_t13_developers_are_kept_apart_by_namespace(visits: Shop) -> None:
    visits.edit("augury.yml", "dev: {path: .augury}", "dev: {path: .augury, namespace: 'dev_${USER}'}")
    worked(called(*RUN, folder=visits.root, env={"USER": "ann"}))
    ann = everything(visits.root / ".augury/dev_ann")
    worked(called(*RUN, "--vars", "factor=5", folder=visits.root, env={"USER": "bob"}))
    assert everything(visits.root / ".augury/dev_ann") == ann
    assert sorted(path.name for path in (visits.root / ".augury").iterdir()) == ["dev_ann", "dev_bob"]
    answers = [called("runs", "--output", "json", folder=visits.root, env={"USER": who}) for who in ("ann", "bob")]
    assert [len(answer.document["runs"]) for answer in answers] == [1, 1]


def test_t13_without_the_variable_nothing_is_guessed(visits: Shop) -> None:
    visits.edit("augury.yml", "dev: {path: .augury}", "dev: {path: .augury, namespace: 'dev_${USER}'}")
    refused(called(*RUN, folder=visits.root), 2, "USER is not set")
    assert not (visits.root / ".augury").exists()


# -- T3: deployments -----------------------------------------------------------------------------------------------


def test_t3_deployments_of_one_project_never_touch_each_other(visits: Shop) -> None:
    visits.edit("augury.yml", "name: shop", "name: shop\ndeployment: '${COUNTRY}'")
    visits.edit("augury.yml", "dev: {path: .augury}", "dev: {path: .augury, namespace: 'dev_${COUNTRY}'}")
    worked(called(*RUN, folder=visits.root, env={"COUNTRY": "spain"}))
    spain = everything(visits.root / ".augury/dev_spain")
    worked(called(*RUN, "--vars", "factor=5", folder=visits.root, env={"COUNTRY": "france"}))
    assert everything(visits.root / ".augury/dev_spain") == spain
    for country in ("spain", "france"):
        tables = [path.name for path in (visits.root / f".augury/dev_{country}").iterdir() if path.is_dir()]
        own = [name for name in tables if name[0] != "_" and not name.startswith("augury_")]
        assert own
        assert all(name.startswith(f"{country}_visits_") for name in own)


def test_t3_a_deployment_is_refused_in_the_namespace_of_another(visits: Shop) -> None:
    visits.edit("augury.yml", "name: shop", "name: shop\ndeployment: '${COUNTRY}'")
    worked(called(*RUN, folder=visits.root, env={"COUNTRY": "spain"}))
    before = everything(visits.root / NAMESPACE)
    answer = called(*RUN, folder=visits.root, env={"COUNTRY": "france"})
    refused(answer, 2, "belongs to project shop, deployment spain", "deployment france")
    assert everything(visits.root / NAMESPACE) == before


def test_data_of_one_target_stays_when_another_is_cleaned(live: Shop) -> None:
    prod = data(live.root / PROD)
    words = ("clean", "visits", "--from", "2024-01-01", "--to", "2024-02-01", "--step", "publish", "--yes")
    worked(called(*words, folder=live.root))
    worked(called("state", "reset", "visits", "--yes", folder=live.root))
    assert data(live.root / PROD) == prod
