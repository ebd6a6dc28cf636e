"""How does the program begin and end? Every way out is an exit code; no way out is a traceback.

0 done  1 some work failed  2 could not start  3 held  4 refused  5 locked  130 interrupted  143 terminated
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from augury.cli import failures
from augury.cli.app import root
from augury.cli.reports import FORMS, Form
from augury.cli.session import Declined, Session
from augury.errors import AuguryError, ExitCode, StorageFailed, UsageError

INTERRUPTED = 128
"""And the number of the signal, as shells say it."""
COMPLETION = "_AUGURY_COMPLETE"


def main(arguments: Sequence[str] | None = None) -> int:
    """Perform one command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if instruction := os.environ.get(COMPLETION):
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, "augury", COMPLETION, instruction)
    session = Session(words)
    # Importing makes many objects and drops none: without collecting, a short command takes a tenth less time.
    gc.disable()
    try:
        with session.signals.heard():
            code = perform(session)
    finally:
        if arguments is None and not session.engine:
            gc.freeze()  # the process ends here, and its last collection need not look through what was imported
        gc.enable()
    session.streams.finish()
    if session.threads_left and arguments is None:
        os._exit(code)
    return code


def perform(session: Session) -> int:
    """Perform the command line of a session; its exit code."""
    try:
        with root.make_context("augury", list(session.words), obj=session) as context:
            result = root.invoke(context)
        return int(result) if isinstance(result, int) else ExitCode.DONE
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        return _help(session, error)
    except Declined:
        session.streams.error_text("Nothing was changed.")
        return ExitCode.CANNOT_START
    except (KeyboardInterrupt, click.Abort):
        session.hush()
        session.streams.error_text(_interrupted(session))
        return INTERRUPTED + session.signals.received
    except Exception as error:  # noqa: BLE001  the last door: whatever comes is shown as a message
        session.hush()
        return _failed(session, error)


def _help(session: Session, error: click.exceptions.NoArgsIsHelpError) -> int:
    """`augury` alone is a question, `augury new` an unfinished command."""
    if not session.words:
        session.streams.data(error.format_message())
        return ExitCode.DONE
    session.streams.error_text(error.format_message())
    return ExitCode.CANNOT_START


def _failed(session: Session, error: Exception) -> int:
    session.settle()
    form = session.settings.output or _form_in(session.words)
    known = _known(error)
    if known is not None:
        failures.answer(session.streams, form, known)
        return int(known.exit_code)
    run_id = session.narrator.run_id if session.narrator else None
    log = str(Path(session.log_folder) / f"{run_id}.ndjson") if session.log_folder and run_id else None
    text = failures.bug(error, trace=session.settings.verbosity >= 2, run_id=run_id, log=log)
    if session.streams.as_logs:
        session.streams.log({"level": "error", "run_id": run_id, "message": text})
    else:
        session.streams.error_text(text, "bug: ")
    if form == "json" and not session.streams.began:
        session.streams.json(failures.bug_document(error, run_id))
    return ExitCode.FAILED


def _known(error: Exception) -> AuguryError | None:
    """The error as one of ours; None where it is a fault of augury."""
    match error:
        case AuguryError():
            return error
        case click.ClickException():
            return failures.from_click(error)
        case FileNotFoundError() | IsADirectoryError() | NotADirectoryError() | PermissionError():
            return UsageError(f"{error.filename}: {error.strerror}")
        case OSError() if error.strerror:
            # A full disk, a lost network drive: nothing that a traceback would explain better.
            return StorageFailed(": ".join(str(part) for part in (error.filename, error.strerror) if part))
    return None


def _form_in(words: Sequence[str]) -> Form:
    """The form that was asked for, where the command line could not be read to its end."""
    for at, word in enumerate(words):
        value = word.partition("=")[2] if word.startswith("--output=") else None
        if word == "--output" and at + 1 < len(words):
            value = words[at + 1]
        for form in FORMS:
            if form == value:
                return form
    return "text"


def _interrupted(session: Session) -> str:
    if session.narrator is not None and session.narrator.run_id:
        return "Interrupted. What is finished is kept; the same command goes on from there."
    return "Interrupted."
