"""How is an error shown, and to whom?

To people on stderr, as the design has it: what, where, why, what to do. To programs on stdout, as an object.
"""

from __future__ import annotations

from typing import Any

import click

from augury.cli.reports import Form, document
from augury.cli.streams import Colour, Streams
from augury.errors import AuguryError, Held, LimitExceeded, Locked, UsageError, nearest


def head_of(error: AuguryError) -> tuple[str, Colour]:
    """The word that an error begins with. An expected no is not called an error."""
    match error:
        case Held():
            return "held: ", "yellow"
        case LimitExceeded():
            return "refused: ", "yellow"
        case Locked():
            return "locked: ", "yellow"
    return "error: ", "red"


def text_of(error: AuguryError) -> str:
    """The lines of an error; what goes over several lines stays indented below its headline."""
    first, *rest = error.lines()
    return "\n".join([first, *(line.replace("\n", "\n  ") for line in rest)])


def copied(error: AuguryError) -> AuguryError:
    """copy.copy would call the constructor, whose arguments differ from class to class."""
    made = type(error).__new__(type(error), *error.args)
    made.__dict__.update(vars(error))
    return made


def tell(streams: Streams, error: AuguryError) -> None:
    """An error for people (or one line of log), on stderr."""
    error = copied(error)
    error.fix = streams.advise(error.fix) if error.fix else None
    if streams.as_logs:
        where = error.where
        streams.log(
            {
                "level": "error",
                "pipeline": where.pipeline,
                "date": where.date,
                "step": where.step,
                "message": " ".join(line.strip() for line in error.lines()),
                "extra": error,
            }
        )
    else:
        head, colour = head_of(error)
        streams.error_text(text_of(error), head, colour)


def answer(streams: Streams, form: Form, error: AuguryError) -> None:
    """An error that ends a command: for people, and for whoever reads JSON from stdout."""
    tell(streams, error)
    if form == "json" and not streams.began:
        streams.json(document({"error": error}))
    elif form == "ndjson":
        streams.json({"error": error})


def from_click(error: click.ClickException) -> UsageError:
    """What click objected to, in the words of augury."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "augury"
    see = f"See: {command} --help"
    if isinstance(error, click.NoSuchOption):
        known = _options(context) if context else error.possibilities or []
        close = nearest(error.option_name, known)
        return UsageError(
            f"{command} has no option {error.option_name}", fix=f"Did you mean {close}?" if close else see
        )
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return UsageError(f"{_name(error.param)} is missing", fix=f"{_usage(context)}   {see}")
    if isinstance(error, click.BadParameter) and error.param is not None:
        return UsageError(f"{_name(error.param)}: {error.message}", fix=see)
    return UsageError(error.format_message().rstrip("."), fix=see)


def no_such_command(word: str, known: list[str], path: str) -> UsageError:
    close = nearest(word, known)
    return UsageError(
        f"there is no command {word!r}",
        fix=f"Did you mean: {path} {close}" if close else f"See: {path} --help",
    )


def _options(context: click.Context) -> list[str]:
    return [option for param in context.command.get_params(context) for option in param.opts if option[:1] == "-"]


def _name(param: click.Parameter) -> str:
    return param.opts[0] if isinstance(param, click.Option) else (param.metavar or param.name or "").upper()


def _usage(context: click.Context | None) -> str:
    return context.command.get_usage(context) if context else "Usage: augury COMMAND"


def bug(error: BaseException, *, trace: bool, run_id: str | None, log: str | None) -> str:
    """What is said about an exception that nobody foresaw."""
    lines = [f"{type(error).__name__}: {error}", "  This is a bug in augury, not in your project."]
    if run_id:
        lines.append(f"  run {run_id}" + (f", log {log}" if log else ""))
    if trace:
        import traceback

        lines.append("".join(traceback.format_exception(error)).rstrip())
    else:
        lines.append("  Please report it with what -vv shows: type the command again with -vv.")
    return "\n".join(lines)


def bug_document(error: BaseException, run_id: str | None) -> dict[str, Any]:
    return document(
        {
            "error": {
                "code": "Bug",
                "exit_code": 1,
                "what": f"{type(error).__name__}: {error}",
                "run_id": run_id,
            }
        }
    )
