"""What do the generated pages of docs/reference say? Their facts are taken from the code.

python docs/generate.py            writes them
python docs/generate.py --check    fails where a page is not what would be written
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from pydantic import BaseModel

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from docs import bigquery_ml_page, bigquery_page  # noqa: E402
from docs.code_facts import class_named, classes_of, key_table, notes_of, own_docstring  # noqa: E402

REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by docs/generate.py: change the code, then run `make reference`. -->\n\n"

SECTIONS = {
    "ProjectSettings": "augury.yml",
    "SourceSpec": "sources: each",
    "LateData": "sources: late",
    "TargetSpec": "targets: each",
    "SourceLocation": "targets: location",
    "BigQueryTarget": "targets: bigquery",
    "BigQueryPlace": "bigquery: output",
    "BigQuerySources": "bigquery: sources",
    "Service": "service",
    "Column": "columns: each",
    "PipelineSettings": "pipeline.yml",
    "Schedule": "schedule",
    "Model": "model",
    "Train": "model: train",
    "Gate": "model: gate",
    "StepSettings": "steps: each",
    "Limits": "limits",
    "StepLimits": "limits: steps",
    "Archive": "archive",
    "Throttle": "throttle: each",
}
"""Classes of the code by the key under which they are written, in the order of the page."""
SERVICE = "augury.spec.service"
"""Keys of both files are there."""


def settings_page(opening: str, *module_names: str, without: str) -> str:
    """Every key of a YAML file: one section per mapping, the file itself first; `without` is a class of the other."""
    classes: dict[str, type[BaseModel]] = {}
    for module in map(importlib.import_module, module_names):
        classes |= {name: getattr(module, name) for name in classes_of(module)}
    here = [name for name in SECTIONS if name in classes and name != without]
    out = [f"# {SECTIONS[here[0]]}\n\n{NOTE}{opening}\n"]
    for name in here:
        if name != here[0]:
            out.append(f"\n## {SECTIONS[name]}\n")
            note = own_docstring(classes[name])
            out.append(f"\n{note}\n" if note else "")
        out.append(f"\n{key_table(classes[name], SECTIONS)}")
    return "".join(out)


def project_page() -> str:
    opening = (
        "One file per project, at its root. Unknown keys are errors. `${NAME}` and `${NAME:-default}` are\n"
        "taken from the environment. The same as JSON Schema: [augury.schema.json](augury.schema.json)."
    )
    return settings_page(
        opening, "augury.spec.project", "augury.spec.bigquery", "augury.spec.columns", SERVICE, without="Archive"
    )


def pipeline_page() -> str:
    opening = (
        "One file per pipeline, in `pipelines/<name>/`; a further version in `pipelines/<name>/v2/`. Keys\n"
        "that are not there come from `defaults` of augury.yml. The same as JSON Schema:\n"
        "[pipeline.schema.json](pipeline.schema.json)."
    )
    return settings_page(opening, "augury.spec.pipeline", SERVICE, without="Service")


def models_page() -> str:
    plugins = importlib.import_module("augury.plugins")
    metrics = importlib.import_module("augury.spec.metrics").METRICS
    out = [
        f"# Model kinds\n\n{NOTE}",
        "What `model.type` may be, and what `model.options` may then say, in BigQuery ML's names.\n",
    ]
    for name in plugins.names("models"):
        kind = plugins.load("models", name)
        task = kind.task or "as the file says"
        extra = f"Task: {task}. Needs `augury[{kind.requires}]`."
        note = own_docstring(kind)
        out.append(f"\n## {name}\n\n{f'{note} ' if note else ''}{extra}\n\n{key_table(kind.Options, {})}")
    out.append("\n## Metrics\n\nWhat `model.gate` may name.\n\n| task | metrics |\n|---|---|\n")
    out += [f"| {task} | {', '.join(f'`{name}`' for name in names)} |\n" for task, names in metrics.items()]
    return "".join(out)


def notifiers_page() -> str:
    plugins = importlib.import_module("augury.plugins")
    settings = importlib.import_module("augury.spec.notifiers").Notifier
    out = [
        f"# Notifiers\n\n{NOTE}",
        "Whom the service tells: `notifiers` of augury.yml, each under a name of your own.\n\n",
        key_table(settings, {}),
    ]
    for name in plugins.names("notifiers"):
        kind = plugins.load("notifiers", name)
        out.append(f"\n## {name}\n\n{own_docstring(kind)}\n\n{key_table(kind.Options, {})}")
    return "".join(out)


def metrics_page() -> str:
    module = importlib.import_module("augury.service.metrics")
    rows = "".join(f"| `{name}` | {words} |\n" for name, words in module.METRICS.items())
    opening = (
        "What Prometheus reads of a service at `service.metrics` of augury.yml. Counters have `_total` behind their\n"
        "name, histograms `_bucket`, `_sum` and `_count`; times are seconds."
    )
    return f"# Metrics\n\n{NOTE}{opening}\n\n| name | what |\n|---|---|\n{rows}"


def statuses_page() -> str:
    module = importlib.import_module("augury.ledger.records")
    notes = notes_of(class_named(module, "Status"))
    rows = "".join(f"| `{member.value}` | {notes.get(member.name, '')} |\n" for member in module.Status)
    return f"# Statuses\n\n{NOTE}{inspect.getdoc(module.Status)}\n\n| status | meaning |\n|---|---|\n{rows}"


def errors_page() -> str:
    module = importlib.import_module("augury.errors")
    notes = notes_of(class_named(module, "ExitCode"))
    out = [
        f"# Errors and exit codes\n\n{NOTE}",
        "Every error says what happened, where, why, and what to do. With `--output json` these are the\n"
        "keys `code`, `exit_code`, `what`, `where`, `why` and `fix`.\n"
        "\n## Exit codes\n\n| code | |\n|---|---|\n",
    ]
    out += [f"| {code.value} | {notes.get(code.name, '')} |\n" for code in module.ExitCode]
    out.append(
        "\nWhere the outcomes of several dates mix, the exit code is the first of 1, 4, 3 that applies.\n"
        "\n## Errors\n\n| error | code | |\n|---|---|---|\n"
    )
    for name in classes_of(module):
        cls = getattr(module, name)
        if issubclass(cls, module.AuguryError) and cls is not module.AuguryError:
            summary = " ".join(own_docstring(cls).split())
            out.append(f"| `{name}` | {int(cls.exit_code)} | {summary} |\n")
    return "".join(out)


def cli_page() -> str:
    root = root_command()
    out = [
        f"# Command line\n\n{NOTE}",
        _usage(root, "augury"),
        "\nData goes to stdout, narration to stderr. The options of every command may stand before or after its name;\n"
        "they are not repeated below. What the exit codes mean: [errors and exit codes](errors.md). A date is written\n"
        "`2026-01-15` or by name: `today`, `yesterday`, `last-monday` to `last-sunday`, `monday-this-week`.\n",
    ]
    for path, command in commands(root):
        out.append(f"\n## {path}\n\n{_usage(command, path, own=True)}")
    return "".join(out)


def root_command() -> click.Group:
    module = importlib.import_module("augury.cli.main")
    return next(value for value in vars(module).values() if isinstance(value, click.Group))


def commands(root: click.Group, path: str = "augury") -> Iterator[tuple[str, click.Command]]:
    """(what is typed, command) of every command, groups before what they hold."""
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def _usage(command: click.Command, path: str, *, own: bool = False) -> str:
    """What --help prints; only the command's own options where `own`."""
    # A command keeps the help option of the first context that asked for it: this one asks as the program does.
    names = command.context_settings.get("help_option_names")
    context = click.Context(command, info_name=path, terminal_width=100, max_content_width=100, help_option_names=names)
    text = command.get_help(context)
    if own:
        text = "\n".join(
            line
            for line in text.partition("\nOptions of every command:")[0].splitlines()
            if not line.lstrip().startswith(("-h, --help", "--help"))
        ).removesuffix("\nOptions:")
    return f"```text\n{text.rstrip()}\n```\n"


def schema(name: str) -> str:
    found = importlib.import_module("augury.spec.json_schema").json_schema(name)
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "augury.schema.json": lambda: schema("project"),
    "bigquery-ml.md": lambda: bigquery_ml_page.page(NOTE),
    "bigquery-sql.md": lambda: bigquery_page.page(NOTE),
    "cli.md": cli_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
    "models.md": models_page,
    "notifiers.md": notifiers_page,
    "pipeline-yml.md": pipeline_page,
    "pipeline.schema.json": lambda: schema("pipeline"),
    "project-yml.md": project_page,
    "statuses.md": statuses_page,
}


def outdated() -> list[str]:
    """Pages whose file is not what would be written."""
    return [
        name
        for name, write in PAGES.items()
        if not (REFERENCE / name).is_file() or (REFERENCE / name).read_text("utf-8") != write()
    ]


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        old = outdated()
        if old:
            print(f"out of date, run `make reference`: {', '.join(old)}", file=sys.stderr)
        return 1 if old else 0
    for name, write in PAGES.items():
        (REFERENCE / name).write_text(write(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
