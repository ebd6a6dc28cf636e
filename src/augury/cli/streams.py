"""Where does each line go, and what may be in it?

Data goes to stdout, narration to stderr, and all of it passes here: secrets are masked and control characters
neutralised before a byte leaves. A reader that went away (`augury runs | head`) is no error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, TextIO

from augury.cli.text import neutral
from augury.cli.values import Mask, plain, to_json
from augury.spec.secrets import Masker, looks_secret

Colour = Literal["red", "yellow", "green", "dim"]
_CODES = {"red": "1;31", "yellow": "1;33", "green": "32", "dim": "2"}


def wants_colour(stream: TextIO, environment: Mapping[str, str], *, refused: bool) -> bool:
    """--no-color, then NO_COLOR, then FORCE_COLOR, then whether this is a terminal that has colours."""
    if refused or environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return environment.get("TERM") != "dumb" and stream.isatty()


class Streams:
    """The two streams of a command, masked and neutralised."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.environment = os.environ if environment is None else environment
        self.no_colour = False
        self.quiet = False
        self.as_logs = False
        """Narration is JSON, one line each."""
        self.advise: Mask = str
        """Completes the commands that advice names; see `augury.cli.suggestions`."""
        self.closed = False
        """Nobody reads stdout any more."""
        self.began = False
        """Data has been written to stdout."""
        # Until the project is read nobody knows which values are secret: all variables that look like it are.
        self._masker = Masker(
            value for name, value in self.environment.items() if looks_secret(name) and len(value) >= 8
        )

    def use(self, masker: Masker) -> None:
        """Mask with the secrets of the project that was opened."""
        self._masker = masker

    def mask(self, text: str) -> str:
        return self._masker.mask(text)

    # -- data --

    def data(self, text: str) -> None:
        """Lines of text for people, on stdout."""
        self.raw(neutral(self.mask(text)) + "\n")

    def json(self, value: object) -> None:
        """One line of JSON on stdout."""
        self.raw(self.as_json(value) + "\n")

    def as_json(self, value: object) -> str:
        """JSON as stdout may have it."""
        return to_json(plain(value, self.mask, self.advise), ascii_only=not self.speaks_unicode)

    def raw(self, text: str) -> None:
        """Text that is clean already, on stdout."""
        if self.closed:
            return
        self.began = True
        try:
            _write(sys.stdout, text)
        except BrokenPipeError:
            self._stop()

    def finish(self) -> None:
        """Hand over what is buffered; called once, at the end."""
        if not self.closed:
            try:
                sys.stdout.flush()
            except BrokenPipeError:
                self._stop()

    def _stop(self) -> None:
        self.closed = True
        # The interpreter flushes stdout once more when it ends: let it have somewhere to write to.
        with suppress(OSError, ValueError):
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, sys.stdout.fileno())
            os.close(sink)

    # -- narration --

    def note(self, text: str) -> None:
        """Narration on stderr; not with --quiet."""
        if text and self.as_logs:
            self.log({"level": "info", "message": text})
        elif text and not self.quiet:
            self.error_text(text)

    def log(self, line: Mapping[str, object]) -> None:
        """A line of --log-format json, on stderr; the time is added."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._stderr(
            to_json(plain({"time": now, **line}, self.mask, self.advise), ascii_only=not _speaks_unicode(sys.stderr))
            + "\n"
        )

    def error_text(self, text: str, head: str = "", colour: Colour = "red") -> None:
        """Text on stderr, --quiet or not, its head in colour."""
        self._stderr(self.paint(head, colour) + neutral(self.mask(text)) + "\n")

    def paint(self, text: str, colour: Colour) -> str:
        """`text` in a colour of stderr, where it has colours."""
        if not text or not wants_colour(sys.stderr, self.environment, refused=self.no_colour):
            return text
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"

    def _stderr(self, text: str) -> None:
        self.finish()  # what was said first appears first
        with suppress(BrokenPipeError):
            _write(sys.stderr, text)
            sys.stderr.flush()

    @property
    def speaks_unicode(self) -> bool:
        """Whether stdout can show more than ASCII."""
        return _speaks_unicode(sys.stdout)

    @property
    def terminal(self) -> bool:
        """Whether somebody watches stderr on a terminal that can redraw a line."""
        return sys.stderr.isatty() and self.environment.get("TERM") != "dumb"


def _speaks_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().replace("-", "").startswith("utf")


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
