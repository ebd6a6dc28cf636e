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
        try:
            sys.stdout.write(_text(message) if self._form == "text" else json.dumps(message.as_dict()) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError) as error:
            raise NotifierFailed("nobody reads what is printed", why=str(error)) from error


def _text(message: Message) -> str:
    lines = [f"[{message.project} {message.target}] {message.title}", *message.text.splitlines()]
    text = "\n  ".join(lines) + "\n"
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
