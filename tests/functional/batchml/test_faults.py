"""What went wrong with BatchML, and does not here?"""

from __future__ import annotations

import threading

from tests.cli_runner import typed, worked
from tests.functional.batchml.forks import DAY, NEXT, Forks


def test_a_version_is_copied_without_an_edit_where_its_files_use_the_variables_s0_10(project: Forks) -> None:
    for file in sorted((project.root / "github").glob("github_v1_*.sql")):
        text = file.read_text("utf-8").replace("github_v1", "{{ model_code }}_{{ version_code }}")
        for version in ("v1", "v3"):
            (file.parent / file.name.replace("v1", version)).write_text(text, "utf-8")
    project.edit("batchml.yaml", "      v2:\n        note: Without open issues\n", "      v3: {note: the same}\n")
    for version in ("v1", "v3"):
        project.does("train", "github", "--date", DAY, "--version", version)
        project.does("run", "github", "--date", DAY, "--version", version)
    rows = [project.rows(f"select name, predicted_forks from github_{v}_preds order by name") for v in ("v1", "v3")]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 234


def test_what_is_replaced_and_what_is_added_to_b16_l5(published: Forks) -> None:
    """Predictions are replaced per date; what is known of models and runs is added to."""
    before = {table: count(published, table) for table in ("augury_models", "augury_runs", "github_archive")}
    published.does("train", "github", "--date", DAY)
    published.does("backfill", "github", "--start", DAY, "--end", NEXT, "--reprocess", "all")
    after = {table: count(published, table) for table in before}
    assert after["augury_models"] == before["augury_models"] + 1
    assert after["augury_runs"] == before["augury_runs"] + 2
    assert after["github_archive"] == before["github_archive"]
    assert published.published() == [(DAY, "v1", 234)]


def count(project: Forks, table: str) -> int:
    (row,) = project.rows(f"select count(*) as n from {table}")
    return int(str(row["n"]))


def test_a_reader_sees_the_same_columns_and_a_whole_date_at_any_moment_k5_s0_3(published: Forks) -> None:
    """DuckDB reads Parquet by pointers here; what it may not see is a table without `version`, or half of one."""
    stop, seen = threading.Event(), set()

    def read() -> None:
        while not stop.is_set():
            # A process of its own: commands in this one share its folder and its streams.
            answer = worked(typed("query", "select * from github_preds", "--output", "json", folder=published.root))
            rows = answer.document["rows"]
            seen.add((tuple(rows[0]), len(rows) % 234))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(2):
            published.does("backfill", "github", "--start", DAY, "--end", "2026-02-03", "--reprocess", "all")
    finally:
        stop.set()
        reader.join()
    ((columns, rest),) = seen
    assert rest == 0
    assert "version" in columns


def test_a_date_of_the_past_is_scored_by_the_model_of_its_time_s0_8(published: Forks) -> None:
    published.does("train", "github", "--date", NEXT)
    published.does("backfill", "github", "--start", DAY, "--end", "2026-02-03", "--reprocess", "all")
    found = published.rows("select distinct run_date, model_version from github_preds order by run_date")
    assert found == [{"run_date": DAY, "model_version": 1}, {"run_date": NEXT, "model_version": 2}]
