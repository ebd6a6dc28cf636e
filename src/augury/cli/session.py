"""What does a command have in its hands? The options, the two streams, and the way to the project."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from augury.cli.reports import Form, Report, show
from augury.cli.settings import Settings
from augury.cli.signals import Signals
from augury.cli.streams import Streams
from augury.cli.suggestions import Choices
from augury.errors import UsageError

if TYPE_CHECKING:
    from augury.cli.narrator import Counting, Narrator
    from augury.events import Listener
    from augury.project import Project


class Session:
    """One command line, from the first option to the exit code."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.words = tuple(words)
        """The command as typed, without the program's name."""
        self.settings = Settings()
        self.streams = Streams()
        self.signals = Signals()
        self.narrator: Narrator | None = None
        self.log_folder: str | None = None
        """Where runs of the opened project write their logs."""
        self.engine = False
        """Whether the engine of a warehouse was in use."""
        self.threads_left = False
        """Code of others is still at work in a thread that nobody can end: the process ends without it."""
        self._default_target: str | None = None
        """Of the opened project."""

    @property
    def form(self) -> Form:
        return self.settings.form

    @property
    def command(self) -> str:
        """The command as the ledger remembers it, secrets masked."""
        import shlex

        # Quoting would write a secret in a form that the mask does not know.
        return shlex.join(["augury", *map(self.streams.mask, self.words)])

    def settle(self) -> None:
        """The options are read: let the streams know."""
        settings, streams = self.settings, self.streams
        streams.no_colour = settings.no_color
        streams.quiet = settings.quiet
        streams.as_logs = settings.log_format == "json"
        self._complete_advice()

    # -- suggested commands ------------------------------------------------------------------------------------

    @property
    def choices(self) -> Choices:
        """What a suggested command has to say so that it acts where this one does."""
        settings, default = self.settings, self._default_target
        exported = self.streams.environment.get("AUGURY_TARGET") or default
        usual = default is not None and settings.target == default == exported
        return Choices(settings.project_dir, None if usual else settings.target, settings.variables, self.streams.mask)

    def suggest(self, *words: str) -> str:
        """The command line of a next command."""
        return self.choices.command(*words)

    def advise(self, advice: str) -> str:
        """Advice whose commands act where this one does."""
        return self.streams.advise(advice)

    def know_default_target(self, name: str) -> None:
        """The project is read: this is its target where none is chosen."""
        self._default_target = name
        self._complete_advice()

    def _complete_advice(self) -> None:
        """What leaves by the streams carries the choices, as far as they are known."""
        from augury.cli.app import root

        self.streams.advise = partial(self.choices.carried_by, commands=root.entries)

    # -- the project -------------------------------------------------------------------------------------------

    @contextmanager
    def project(
        self, only: str | None = None, *, narrate: Counting | None = None, interruptible: bool = True
    ) -> Iterator[Project]:
        """The project, open for this command.

        `only` reads the folder of one pipeline. `narrate` tells what happens, and is what a progress bar counts.
        A command that is not `interruptible` ends its work by itself when a signal comes.
        """
        from augury.project import Project
        from augury.spec.cascade import choose_target
        from augury.spec.secrets import Masker

        settings = self.settings
        listeners: list[Listener] = []
        if narrate is not None:
            from augury.cli.narrator import Narrator

            self.narrator = Narrator(self.streams, settings.verbosity, counting=narrate)
            listeners.append(self.narrator)
        with Project.open(
            settings.project_dir or ".",
            target=settings.target,
            variables=settings.variables or None,
            listeners=listeners,
            only=only,
        ) as project:
            gc.freeze()  # what was imported stays: no collection needs to look through it
            gc.enable()  # `main` turned it off; from here on there is work to do
            spec = project.spec
            self.streams.use(Masker(spec.secrets))
            self.know_default_target(choose_target(spec.settings, None))
            if interruptible:
                self.signals.on_stop(project.interrupt)
            self.log_folder = str(spec.root / spec.target.path / spec.namespace / "_logs")
            try:
                yield project
            finally:
                # Bindings of engines report what the last collection does not find as leaked.
                gc.unfreeze()
                self.engine = project.opened
                self.hush()

    def hush(self) -> None:
        """The narration is over; a bar that was drawn stays as it is."""
        if self.narrator is not None:
            self.narrator.close()

    def report(self, report: Report) -> None:
        """Print an answer; the narration of what led to it is over."""
        self.hush()
        show(self.streams, self.form, report)

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to answer."""
        return sys.stdin is not None and sys.stdin.isatty()

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask on a terminal. Raises UsageError where nobody is there, Declined where the answer is no."""
        if yes:
            return
        if not self.can_ask:
            raise UsageError(
                "this asks before it changes anything, and there is no terminal to ask on",
                fix=_ADD_YES,
            )
        try:
            agreed = click.confirm(question, err=True)
        except click.Abort as error:
            # click says the same of Ctrl-C and of the end of stdin, and hides which one it was.
            if not isinstance(error.__context__, EOFError):
                raise
            self.streams.error_text("")
            raise UsageError("nobody answered: stdin ended at the question", fix=_ADD_YES) from error
        if not agreed:
            raise Declined


_ADD_YES = "Nothing was changed. Add --yes, or look first with --dry-run."


class Declined(click.Abort):
    """The person said no."""
