"""Are the keys of the service read, checked, laid over one another and shown with their origin?"""

from __future__ import annotations

import pytest

from augury.spec.resolved import ConfigValue, pipeline_values, project_values
from augury.spec.service import Archive, Rate, Service, Throttle, throttle_of, throttle_of_task
from tests.functional.spec.folder import PIPELINE, PROJECT, SQL, YML, Shop

ALL = """\
schedule: {cron: 0 6 * * *, catchup: all, paused: true, poll: 0 */1 * * *}
archive: {schedule: 0 16 * * *}
limits: {steps: {prepare: {time: 540s, memory: 2GB}, train: {time: 1h}}}
throttle:
  default: {expires: 23h, retries: 1}
  predict: {max_concurrent: 5, rate: 10/min, delay: 60s, max_tasks_per_poll: 10, poll: 2s, retries: 2, backoff: 5m}
  train: {max_concurrent: 1}
"""
SERVICE = """\
throttle: {predict: {max_concurrent: 8}}
service: {poll: 2s, lease: 1m, concurrency: 4, max_starts: 5}
"""


def test_every_key_of_the_service_has_its_place(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + SERVICE)
    shop.write(YML, PIPELINE + "  train: {catchup: none}\n" + ALL)
    project = shop.read()
    settings = project.pipelines["ltv"]["v1"].settings

    assert (settings.schedule.catchup, settings.schedule.paused, settings.schedule.poll) == ("all", True, "0 */1 * * *")
    assert settings.model is not None
    assert settings.model.train.catchup == "none"
    assert settings.archive == Archive(schedule="0 16 * * *")
    assert (settings.limits.steps["prepare"].time, settings.limits.steps["prepare"].memory) == (540.0, 2_000_000_000)
    assert settings.throttle["predict"].rate == Rate(10, "min")
    assert settings.throttle["predict"].backoff == 300.0
    assert project.settings.throttle["predict"].max_concurrent == 8
    assert project.settings.service == Service(poll="2s", lease="1m", concurrency=4, max_starts=5)


def test_without_a_word_nothing_is_throttled_and_missed_dates_are_caught_up_once(shop: Shop) -> None:
    settings = shop.pipeline().settings
    assert (settings.throttle, settings.limits.steps) == ({}, {})
    assert (settings.schedule.catchup, settings.schedule.paused, settings.schedule.poll) == ("latest", False, None)
    assert settings.archive == Archive()
    assert throttle_of(settings.throttle, "predict") == Throttle()
    assert shop.read().settings.service == Service(poll="1s", lease="30s", max_starts=3)


def test_l1_the_archive_is_switched_on_or_off_or_has_a_schedule_of_its_own(shop: Shop) -> None:
    for written, read in (
        ("true", Archive()),
        ("false", None),
        ("{schedule: 0 16 * * *}", Archive(schedule="0 16 * * *")),
    ):
        shop.write(YML, PIPELINE + f"archive: {written}\n")
        assert shop.pipeline().settings.archive == read


def test_a_step_takes_what_it_does_not_say_from_default(shop: Shop) -> None:
    shop.write(YML, PIPELINE + ALL)
    throttles = shop.pipeline().settings.throttle
    assert (throttle_of(throttles, "predict").expires, throttle_of(throttles, "predict").retries) == (82800.0, 2)
    assert (throttle_of(throttles, "prepare").expires, throttle_of(throttles, "prepare").max_concurrent) == (
        82800.0,
        None,
    )


def test_what_counts_for_a_task_is_the_pipelines_word_before_the_projects() -> None:
    project = {"default": Throttle(expires="1h", delay="9s"), "predict": Throttle(retries=4)}
    pipeline = {"default": Throttle(expires="2h")}
    found = throttle_of_task(project, pipeline, "predict")
    assert (found.expires, found.delay, found.retries) == (7200.0, 9.0, 4)


@pytest.mark.parametrize(
    ("text", "most", "seconds"), [("1/s", 1, 1), ("10/min", 10, 60), ("100 / h", 100, 3600), ("500/day", 500, 86400)]
)
def test_rates(shop: Shop, text: str, most: int, seconds: int) -> None:
    shop.write(YML, PIPELINE + f"throttle: {{predict: {{rate: {text}}}}}\n")
    rate = shop.pipeline().settings.throttle["predict"].rate
    assert rate is not None
    assert (rate.most, rate.seconds, str(rate)) == (most, seconds, text.replace(" ", ""))


@pytest.mark.parametrize(
    ("added", "shown"),
    [
        (
            "throttle: {perdict: {rate: 1/s}}",
            "throttle.perdict: there is no step called perdict in this folder   did you mean 'predict'?",
        ),
        ("throttle: {filter: {}}", "throttle.filter: there is no step called filter in this folder"),
        (
            "throttle: {validation: {}}",
            "throttle.validation: there is no step called validation in this folder   did you mean 'validate'?",
        ),
        (
            "limits: {steps: {perpare: {time: 5s}}}",
            "limits.steps.perpare: there is no step called perpare in this folder   did you mean 'prepare'?",
        ),
        (
            "limits: {steps: {publish: {time: 5s}}}",
            "limits.steps.publish: limits are for what happens before publishing, and publish comes after",
        ),
        ("throttle: {predict: {rat: 1/s}}", "throttle.predict.rat: unknown key   did you mean 'rate'?"),
        (
            "throttle: {predict: {rate: 10/minute}}",
            "throttle.predict.rate: '10/minute' is not a rate: write 1/s, 10/min, 100/h or 500/day",
        ),
        (
            "throttle: {predict: {rate: 0/min}}",
            "throttle.predict.rate: '0/min' lets nothing happen: a rate is at least 1",
        ),
        (
            "throttle: {predict: {max_concurrent: 0}}",
            "throttle.predict.max_concurrent: the number 0 must be at least 1",
        ),
        ("throttle: {predict: {delay: 60}}", "throttle.predict.delay: 60 is not a duration: write 60s, 5m or 2h"),
        ("throttle: {predict: {poll: 0s}}", "throttle.predict.poll: '0s' must be more than 0"),
        ("throttle: {predict: 5}", "throttle.predict: expected keys and values, found the number 5"),
        (
            "schedule: {catchup: al}",
            "schedule.catchup: 'al' is not one of latest, all, none   did you mean 'all'?",
        ),
        (
            "schedule: {poll: hourly}",
            "schedule.poll: 'hourly' is not a cron expression of five fields (minute hour day month weekday)",
        ),
        (
            "archive: {schedule: 0 25 * * *}",
            "archive.schedule: '0 25 * * *' is not a cron expression: Bad hour",
        ),
        ("archive: {shedule: 0 16 * * *}", "archive.shedule: unknown key   did you mean 'schedule'?"),
        ("service: {poll: 1s}", "service: belongs to augury.yml: there is one service for all pipelines"),
        (
            "ledger: postgresql://h/d",
            "ledger: belongs to a target of augury.yml: a pipeline cannot choose where it writes",
        ),
    ],
)
def test_a_wrong_key_of_the_service_is_explained(shop: Shop, added: str, shown: str) -> None:
    shop.write(YML, PIPELINE + added + "\n")
    assert shop.problems() == [f"{YML}:7  {shown}"]


def test_all_wrong_keys_of_the_service_come_at_once(shop: Shop) -> None:
    shop.write(
        YML,
        PIPELINE + "throttle: {perdict: {rate: 1/week}, labl: {}}\nlimits: {steps: {perdict: {}}}\n",
    )
    shop.write("augury.yml", PROJECT + "throttle: {perdict: {}}\ndefaults: {throttle: {perpare: {}}}\n")
    assert [problem.split(": ")[0] for problem in shop.problems()] == [
        "augury.yml:5  throttle.perdict",
        "augury.yml:6  defaults.throttle.perpare",
        f"{YML}:7  throttle.perdict.rate",
        f"{YML}:7  throttle.perdict",
        f"{YML}:7  throttle.labl",
        f"{YML}:8  limits.steps.perdict",
    ]


def test_defaults_may_throttle_a_step_that_only_some_pipelines_have(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "defaults: {throttle: {filter: {rate: 1/s}, weather: {rate: 1/s}}}\n")
    shop.write("pipelines/rfm/pipeline.yml", "entity: a\nstart: 1997-01-01\n").write("pipelines/rfm/prepare.sql", SQL)
    shop.write("pipelines/rfm/weather.sql", SQL)
    assert shop.problems() == []


def test_a_pipeline_without_a_model_has_nothing_to_train_or_predict(shop: Shop) -> None:
    shop.write("pipelines/rfm/pipeline.yml", "entity: a\nstart: 1997-01-01\nthrottle: {train: {}, predict: {}}\n")
    shop.write("pipelines/rfm/prepare.sql", SQL)
    assert shop.problems() == [
        f"pipelines/rfm/pipeline.yml:3  throttle.{step}: there is no step called {step} in this folder"
        for step in ("train", "predict")
    ]


def test_s1_the_archive_s_schedule_comes_from_defaults_pipeline_or_version(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "defaults:\n  schedule: {cron: 0 15 * * *}\n  archive: {schedule: 0 16 * * *}\n")
    shop.write("pipelines/ltv/v2/pipeline.yml", "archive: {schedule: 30 16 * * *}\n")
    shop.write("pipelines/ltv/v3/pipeline.yml", "archive: false\n")
    project = shop.read()

    def shown(version: str) -> ConfigValue:
        values = pipeline_values(project, project.pipelines["ltv"][version])
        (found,) = [value for value in values if value.key.startswith("archive")]
        return found

    assert shown("v1") == ConfigValue("archive.schedule", "0 16 * * *", "augury.yml:7")
    assert shown("v2") == ConfigValue("archive.schedule", "30 16 * * *", "pipelines/ltv/v2/pipeline.yml:1")
    assert shown("v3") == ConfigValue("archive", False, "pipelines/ltv/v3/pipeline.yml:1")


def test_s1_each_key_of_the_service_is_shown_as_it_counts_with_its_origin(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + SERVICE)
    shop.write(YML, PIPELINE + ALL)
    project = shop.read()
    shown = {value.key: value for value in pipeline_values(project, project.pipelines["ltv"]["v1"])}

    assert shown["schedule.catchup"] == ConfigValue("schedule.catchup", "all", f"{YML}:7")
    assert shown["model.train.catchup"] == ConfigValue("model.train.catchup", "latest", "default")
    assert shown["limits.steps.prepare.time"] == ConfigValue("limits.steps.prepare.time", "540s", f"{YML}:9")
    assert shown["throttle.predict.rate"] == ConfigValue("throttle.predict.rate", "10/min", f"{YML}:12")
    assert shown["throttle.train.expires"] == ConfigValue("throttle.train.expires", "82800s", f"{YML}:11")
    assert shown["throttle.train.delay"] == ConfigValue("throttle.train.delay", "0s", "default")

    of_project = {value.key: value for value in project_values(project)}
    assert of_project["throttle.predict.max_concurrent"] == ConfigValue(
        "throttle.predict.max_concurrent", 8, "augury.yml:5"
    )
    assert of_project["service.lease"] == ConfigValue("service.lease", "60s", "augury.yml:6")


LEDGER = "targets: {dev: {}, prod: {ledger: 'postgresql://shop:${PASSWORD}@db/ledger'}}\n"


def test_the_password_of_a_ledger_is_never_shown(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + LEDGER.replace("PASSWORD", "LEDGER_LOGIN"))
    project = shop.read(environment={"LEDGER_LOGIN": "a%40b@c"})

    assert project.settings.targets["prod"].ledger == "postgresql://shop:a%40b@c@db/ledger"  # pragma: allowlist secret
    assert {"a%40b@c", "a@b@c"} <= project.secrets
    (shown,) = [value for value in project_values(project) if value.key == "targets.prod.ledger"]
    assert shown.value == "postgresql://shop:***@db/ledger"


def test_a_password_in_the_query_of_a_ledger_is_a_secret_too(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "targets: {dev: {ledger: 'postgresql://db/ledger?user=u&password=hunter2'}}\n")
    project = shop.read()
    (shown,) = [value for value in project_values(project) if value.key == "targets.dev.ledger"]
    assert shown.value == "postgresql://db/ledger?user=u&password=***"


@pytest.mark.parametrize(
    "address",
    ["mysql://u:hunter2@h/d", "hunter2", "postgresql://u:hunter2@h", "postgresql://h:x/d"],  # pragma: allowlist secret
)
def test_what_is_no_ledger_is_refused_without_repeating_it(shop: Shop, address: str) -> None:
    shop.write("augury.yml", PROJECT + f"targets: {{dev: {{ledger: '{address}'}}}}\n")
    assert shop.problems() == [
        "augury.yml:5  targets.dev.ledger: is not the address of a ledger: write postgresql://host/database, "
        "with user:password@ before the host"
    ]
