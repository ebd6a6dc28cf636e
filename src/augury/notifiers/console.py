"""How is a message printed? On stdout, where a service writes nothing else: as text, or as a JSON document a line."""

from __future__ import annotations

import json
import sys
from typing import ClassVar, Literal

from augury.errors import NotifierFailed
from augury.notifiers.contract import Message
from augury.spec.settings import Settings


class ConsoleOptions(Settings):
    form: Literal["text", "json"] = "text"
    """`text`: a title and indented lines; `json`: one document a line, for a program that reads them."""


class Console:
    """Prints messages on stdout: `augury up | my-program`."""

    Options: ClassVar[type[ConsoleOptions]] = ConsoleOptions

    def __init__(self, options: ConsoleOptions) -> None:
        self._form = options.form

    def send(self, message: Message) -> None:
        # What `print` writes to belongs to the hooks of runs while a service works.
        stream = sys.__stdout__ or sys.stdout
        text = _text(message) if self._form == "text" else json.dumps(message.as_dict()) + "\n"
        encoding = stream.encoding or "utf-8"
        try:
            stream.write(text.encode(encoding, "replace").decode(encoding))
            stream.flush()
        except (OSError, ValueError) as error:
            raise NotifierFailed("nobody reads what is printed", why=str(error)) from error


def _text(message: Message) -> str:
    lines = [f"[{message.project} {message.target}] {message.title}", *message.text.splitlines()]
    return "\n  ".join(lines) + "\n"
