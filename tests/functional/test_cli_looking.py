"""What is there, what happened, and keeping house, typed as commands."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from augury.cli.main import main
from tests.functional.cli_shop import Shop, make_shop

FORMS = ("text", "json", "ndjson", "csv")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with three published dates; its tests only look."""
    folder = tmp_path_factory.mktemp("built") / "shop"
    make_shop(folder)
    assert main(["-q", "backfill", "spend", *RANGE, "--project-dir", str(folder)]) == 0
    return folder


RANGE = ("--start", "2024-03-10", "--end", "2024-03-13")


@pytest.fixture
def shop(built: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(built, capsys)


LOOKS = [
    ("ls",),
    ("validate",),
    ("status",),
    ("runs",),
    ("models", "spend"),
    ("show", "spend", "--date", "2024-03-10"),
    ("compile", "spend", "--date", "2024-03-10"),
    ("config", "show"),
    ("config", "show", "spend"),
    ("plan", "spend", *RANGE),
    ("logs", "--date", "2024-03-10"),
    ("query", "select * from spend_predictions"),
    ("clean", "--step", "prepare", "--from", "2024-03-10", "--to", "2024-03-11", "--dry-run"),
    ("state", "reset", "--dry-run"),
]


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_every_look_has_four_forms_and_none_has_escape_codes(
    shop: Shop, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    before = shop.files
    text, document, lines, table = (shop.type(*words, "--output", form) for form in FORMS)
    assert {text.code, document.code, lines.code, table.code} == {0}
    assert document.json["version"] == 1
    records = [json.loads(line) for line in lines.out.splitlines()]
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert len(rows) == len(records)
    assert text.out.strip()
    assert "\x1b" not in document.out + lines.out + table.out + text.out
    assert {name for name in shop.files - before if name.endswith(".parquet")} == set()


def test_ls_reads_the_specification_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = make_shop(tmp_path, capsys)
    listed = shop.type("ls", "--output", "json")
    assert [found["pipeline"] for found in listed.json["pipelines"]] == ["spend"]
    assert not (tmp_path / ".augury").exists()


def test_status_marks_each_date_and_says_what_to_do_next(shop: Shop) -> None:
    answer = shop.type("status", "--days", "60")
    assert "▇▇▇" in answer.out
    assert "stale since 2024-03-13" in answer.out
    assert "augury backfill spend --start 2024-03-13 --end 2024-05-01" in answer.err
    (record,) = shop.type("status", "--output", "json").json["pipelines"]
    assert (record["latest"], record["due"], record["model_version"]) == ("2024-03-12", "2024-04-30", 1)


def test_validate_counts_pipelines_and_their_versions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = make_shop(tmp_path / "shop", capsys)
    alone = shop.type("validate")
    assert alone.out == "1 pipeline, 3 steps: no problem found.\n"
    shutil.copytree(shop.folder / "pipelines/spend", shop.folder / "pipelines/spend/v2")
    assert shop.type("validate").out == "1 pipeline in 2 versions, 6 steps: no problem found.\n"
    counted = shop.type("validate", "--output", "json").json["validation"]
    assert (counted["pipelines"], counted["versions"], counted["steps"]) == (1, 2, 6)


@pytest.mark.parametrize("command", ["validate", "runs"])
def test_the_first_command_to_type_names_a_date_that_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    shop = make_shop(tmp_path / "shop", capsys)
    said = shop.type(command).err.strip()
    assert said == "Next: augury plan spend --date 2024-04-30"  # it has ended
    assert shop.type(*said.split()[2:]).code == 0
    settings = shop.folder / "pipelines/spend/pipeline.yml"
    shop.write("pipelines/spend/pipeline.yml", settings.read_text("utf-8").replace("end: 2024-05-01\n", ""))
    assert shop.type(*shop.type(command).err.split()[2:]).code == 0  # it lives: the newest date that is due
    shop.write("pipelines/spend/pipeline.yml", settings.read_text("utf-8").replace("start: 2024", "start: 2999"))
    assert shop.type(command).err.strip() == "Next: augury status spend"


def test_query_takes_a_file_and_stdin(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = "select count(*) as n from spend_predictions"
    (tmp_path / "count.sql").write_text(sql)
    assert shop.type("query", "--file", str(tmp_path / "count.sql"), "--output", "csv").out == "n\n60\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(sql))
    assert shop.type("query", "-", "--output", "ndjson").out == '{"n": 60}\n'
    missing = shop.type("query", "--file", str(tmp_path / "missing.sql"))
    assert missing.code == 2
    assert "No such file" in missing.err


@pytest.mark.parametrize("sql", ["delete from spend_predictions", "create table a as select 1", "select 1; select 2"])
def test_a_query_that_writes_ends_with_2(shop: Shop, sql: str) -> None:
    refused = shop.type("query", sql, "--output", "json")
    assert refused.code == 2
    assert refused.json["error"]["exit_code"] == 2


def test_a_query_with_a_mistake_ends_with_1_and_prints_no_half_document(shop: Shop) -> None:
    refused = shop.type("query", "select nothing_like_it from spend_predictions", "--output", "json")
    assert refused.code == 1
    assert set(refused.json) == {"version", "error"}


def test_values_with_escape_codes_are_neutralised(shop: Shop) -> None:
    answer = shop.type("query", "select chr(27) || '[2Jgone' as name, 1 as n")
    assert "\\x1b[2Jgone" in answer.out


def test_null_nan_and_nothing_are_told_apart(shop: Shop) -> None:
    answer = shop.type("query", "select null as a, 'nan'::double as b, 1.10::decimal(9,2) as c", "--output", "ndjson")
    assert answer.out == '{"a": null, "b": "NaN", "c": 1.1}\n'


def test_logs_of_a_date_name_it_on_every_line(shop: Shop) -> None:
    lines = shop.type("logs", "spend", "--date", "2024-03-10", "--output", "ndjson").out.splitlines()
    read = [json.loads(line) for line in lines]
    assert read
    assert all(line["date"] == "2024-03-10" and line["run_id"] and line["pipeline"] == "spend" for line in read)


def test_what_removes_asks_and_without_a_terminal_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = make_shop(tmp_path, capsys)
    assert shop.type("run", "spend", "--date", "2024-03-10").code == 0
    words = ("clean", "--step", "predict", "--from", "2024-03-10", "--to", "2024-03-11")
    refused = shop.type(*words)
    assert refused.code == 2
    assert "Add --yes" in refused.err
    looked = shop.type(*words, "--dry-run")
    assert "1 change would be made." in looked.out
    assert "Do it: augury clean" in looked.err
    assert "--dry-run" not in looked.err
    done = shop.type(*words, "--yes", "--output", "json")
    assert len(done.json["changes"]) == 1
    assert shop.type("state", "reset", "--yes").code == 0


def test_tables_are_copied_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = make_shop(tmp_path, capsys)
    assert shop.type("run", "spend", "--date", "2024-03-10").code == 0
    to = str(tmp_path / "copies")
    would = shop.type("copy", "spend_*", "--to", to, "--dry-run", "--output", "json")
    assert would.code == 0
    assert would.json["changes"]
    assert not (tmp_path / "copies").exists()
    assert shop.type("copy", "spend_*", "--to", to).code == 0
    assert list((tmp_path / "copies" / "spend_predictions").glob("*.parquet"))


def test_the_doctor_ends_with_1_while_something_is_left_to_mend(shop: Shop) -> None:
    found = shop.type("doctor")
    assert found.code == 1
    assert "stale since 2024-03-13" in found.out
    assert "augury backfill spend --start 2024-03-13 --end 2024-05-01" in found.out
    assert shop.type("doctor", "--output", "json").json["findings"][0]["mended"] is False


def test_a_secret_of_the_environment_is_never_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SECRET", "hunter22")
    shop = make_shop(tmp_path, capsys)
    text = (tmp_path / "augury.yml").read_text("utf-8")
    shop.write("augury.yml", text + "vars: {token: '${SHOP_SECRET}'}\n")
    for words in (("config", "show"), ("query", "select 'hunter22' as a"), ("ls", "--vars", "hunter22=1")):
        for form in FORMS:
            answer = shop.type(*words, "--output", form)
            assert "hunter22" not in answer.out + answer.err


def test_init_and_new_pipeline_make_a_project_that_validates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "shop", "--example", "ltv"]) == 0
    out, err = capsys.readouterr()
    assert out == (
        'Created shop/ from the example "ltv": 1 pipeline, 1 source (6,919 orders, 1997-01-01 to 1998-06-30).\n'
    )
    assert err == "Next: cd shop && augury plan ltv --date 1998-01-15\n"
    shop = Shop(tmp_path / "shop", capsys)
    assert shop.type("new", "pipeline", "churn").code == 0
    assert shop.type("validate").out.startswith("2 pipelines, ")
    again = shop.type("init", ".", "--example", "ltv")
    assert again.code == 2
    assert "would be overwritten" in again.err
    assert shop.type("init", "other", "--example", "lvt").code == 2


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["run", ""], ["spend"]),
        (["run", "spend", "--step", "pre"], ["predict", "prepare"]),
        (["run", "spend", "--version", ""], ["v1"]),
        (["--target", "pr"], ["prod"]),
        (["run", "spend", "--target", ""], ["dev", "prod"]),
        (["sta"], ["status", "state"]),
        (["state", ""], ["reset"]),
    ],
)
def test_the_tab_key_offers_names_of_the_project(
    shop: Shop, words: list[str], offered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.folder / "pipelines")
    monkeypatch.setenv("_AUGURY_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["augury", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    assert shop.capsys is not None
    shop.capsys.readouterr()
    main([])
    out = shop.capsys.readouterr().out
    assert [line.removeprefix("plain,") for line in out.split()] == offered
