"""Is a suggested line safe to paste? Typed verbatim into a shell, it acts on the project, target and variables of the
command that suggested it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli_runner import COMMAND, Answer, called, environment, refused, rows, worked
from tests.projects import Shop
from tests.tiny import CHECKS, VISITS

CHOSEN = ("--project-dir", "my shop", "-t", "prod", "--vars", "factor=5")
SAID = "augury --project-dir 'my shop' -t prod --vars factor=5 "
DAY = ("--date", "2024-01-13")


@pytest.fixture
def shop(visits: Shop) -> Shop:
    """In a folder whose name has to be quoted, with a check that is not true."""
    visits.write(f"{VISITS}/validation.sql", CHECKS.replace("< 1e9", "< 0"))
    return Shop(visits.root.rename(visits.root.with_name("my shop")))


def suggested(answer: Answer, after: str) -> str:
    """The command line that stands behind a word, up to its end or to a gap."""
    found = re.search(rf"{re.escape(after)} *(augury (?:[^ \n]| (?! ))+)", answer.said)
    assert found, answer.said
    return found[1]


def pasted(line: str, folder: Path) -> Answer:
    """What a shell makes of a line that knows nothing of the earlier command."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**environment(), "PATH": f"{Path(COMMAND).parent}:/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def repeated(line: str, folder: Path) -> Answer:
    """The same without a shell, whose only part in it is to take the words apart."""
    return called(*shlex.split(line)[1:], folder=folder)


@pytest.mark.parametrize("chosen_by", ["options", "environment"])
def test_a_held_date_is_accepted_on_the_target_that_held_it(shop: Shop, chosen_by: str) -> None:
    here = shop.root.parent
    by_hand = chosen_by == "options"
    words = CHOSEN if by_hand else CHOSEN[4:]
    env = {} if by_hand else {"AUGURY_PROJECT_DIR": "my shop", "AUGURY_TARGET": "prod"}
    held = called(*words, "run", "visits", *DAY, folder=here, env=env)
    refused(held, 3)
    line = suggested(held, "Publish anyway:")
    assert line == f"{SAID}run visits --date 2024-01-13 --accept plausible"
    looked = worked(repeated(suggested(held, "Look:"), here))
    assert looked.err == "12 rows\n"
    published = worked(pasted(line, here))
    assert not (shop.root / ".augury/dev").exists()
    sql = (
        "select max(p.worth / f.spent) as factor from visits_predictions p join visits_v1_prepare f using (customer_id)"
    )
    assert rows(sql, shop.root, "-t", "prod") == [{"factor": 5}]
    assert "visits 2024-01-13  succeeded" in worked(repeated(suggested(published, "see"), here)).out


def test_a_plan_names_the_run_that_performs_it_there(shop: Shop) -> None:
    here = shop.root.parent
    for words, line in (
        (DAY, "run visits --date 2024-01-13"),
        ((*DAY, "--reprocess", "all"), "backfill visits --start 2024-01-13 --end 2024-01-14 --reprocess all"),
    ):
        planned = worked(called("plan", "visits", *words, *CHOSEN, folder=here))
        assert suggested(planned, "Run it:") == SAID + line
        document = worked(called("plan", "visits", *words, *CHOSEN, "--output", "json", folder=here)).document
        assert document["plan"]["target"] == "prod"
        assert document["explanation"]["next_command"] == SAID + line


def test_errors_for_programs_carry_it_too(shop: Shop) -> None:
    words = ("promote", "visits", "1", *CHOSEN)
    answer = called(*words, "--output", "json", folder=shop.root.parent)
    assert answer.document["error"]["fix"] == f"Train one: {SAID}train visits"
    (line,) = called(*words, "--log-format", "json", folder=shop.root.parent).err.splitlines()
    assert json.loads(line)["extra"]["fix"] == f"Train one: {SAID}train visits"


def test_the_doctor_and_the_status_mend_where_they_looked(shop: Shop) -> None:
    here = shop.root.parent
    refused(called("run", "visits", *DAY, *CHOSEN, folder=here), 3)
    found = called("doctor", *CHOSEN, "--output", "json", folder=here).document["findings"]
    mends = [each["mend"] for each in found]
    assert any(f"{SAID}retry visits" in mend for mend in mends)
    assert all(mend.count("augury ") == mend.count(SAID) for mend in mends)
    assert suggested(called("status", *CHOSEN, folder=here), "Next:").startswith(SAID)


def test_what_would_be_done_is_done_there(shop: Shop) -> None:
    here = shop.root.parent
    refused(called("run", "visits", *DAY, *CHOSEN, folder=here), 3)
    words = ("clean", "visits", "--step", "prepare", "--start", "2024-01-13", "--to=2024-01-14", "--dry-run")
    line = suggested(worked(called(*words, *CHOSEN, folder=here)), "Do it:")
    assert line == f"{SAID}clean visits --step prepare --from 2024-01-13 --to 2024-01-14"
    assert "1 change made" in worked(repeated(f"{line} --yes", here)).out


def test_the_default_target_needs_no_name(shop: Shop) -> None:
    held = called("run", "visits", *DAY, "--target", "dev", folder=shop.root)
    assert suggested(held, "Publish anyway:") == "augury run visits --date 2024-01-13 --accept plausible"


def test_a_secret_is_in_no_suggestion(shop: Shop) -> None:
    shop.edit("augury.yml", "vars: {factor: 2}", "vars: {factor: 2, api_token: x}")
    held = called("run", "visits", *DAY, "--vars", "api_token=hunter22", folder=shop.root)
    refused(held, 3)
    assert "hunter22" not in held.said
    line = suggested(held, "Publish anyway:")
    assert line == "augury --vars 'api_token=***' run visits --date 2024-01-13 --accept plausible"
    refused(repeated(line, shop.root), 2, "stands for a secret")


def test_another_version_is_accepted_as_that_version(shop: Shop) -> None:
    folder = shop.root / VISITS
    shutil.copytree(folder, folder / "v2")
    held = called("run", "visits", *DAY, "--version", "v2", folder=shop.root)
    refused(held, 3, 'augury query "select * from visits_v2_predictions_staging"')
    line = suggested(held, "Publish anyway:")
    assert line == "augury run visits --version v2 --date 2024-01-13 --accept plausible"
    assert "show visits --date 2024-01-13 --version v2" in worked(repeated(line, shop.root)).err
