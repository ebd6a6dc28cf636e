"""How is a message mailed? By SMTP, over TLS unless the server is said to have none."""

from __future__ import annotations

import hashlib
import re
from email.message import EmailMessage
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from augury.errors import NotifierFailed
from augury.notifiers.contract import Message, one_line, revealed
from augury.spec.settings import Seconds, Settings

if TYPE_CHECKING:
    from smtplib import SMTP

PORTS = {"starttls": 587, "ssl": 465, "none": 25}
_ADDRESS = re.compile(r"[^\s@<>,;:\"\\]+@[^\s@<>,;:\"\\]+")


def _address(value: str) -> str:
    if not (_ADDRESS.fullmatch(value) and value.isascii() and value.isprintable()):
        raise ValueError(f"{value!r} is not an address: write ana@example.org")
    return value


Address = Annotated[str, AfterValidator(_address)]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class EmailOptions(Settings):
    host: Annotated[str, Field(min_length=1)]
    """The server that takes mail."""
    sender: Address
    """Whom the mail is from."""
    to: Annotated[list[Address], BeforeValidator(_as_list, json_schema_input_type=str | list[str]), Field(min_length=1)]
    """An address, or a list of them."""
    tls: Literal["starttls", "ssl", "none"] = "starttls"
    """`starttls`: encrypt once connected; `ssl`: from the first byte; `none`: for a server on this machine only."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """587, 465 or 25 by default, as `tls` says."""
    user: str | None = None
    """Log in as."""
    password: SecretStr | None = None
    """Goes with `user`."""
    timeout: Annotated[Seconds, Field(gt=0)] = 20.0
    """How long the server may be silent."""

    @model_validator(mode="after")
    def _credentials(self) -> EmailOptions:
        if (self.user is None) != (self.password is None):
            raise ValueError("`user` and `password` go together")
        if self.user is not None and self.tls == "none":
            raise ValueError("a password is not sent without `tls`")
        return self


class Email:
    """Mails messages."""

    Options: ClassVar[type[EmailOptions]] = EmailOptions

    def __init__(self, options: EmailOptions) -> None:
        self._options = options

    def send(self, message: Message) -> None:
        from smtplib import SMTPException

        options = self._options
        try:
            with self._connected() as server:
                if options.user is not None:
                    server.login(options.user, revealed(options.password))
                # Refused addresses are no reason to send again: whoever else is in `to` has it.
                server.send_message(mail(message, options))
        except (OSError, SMTPException, ValueError) as error:
            why = str(error)
            if secret := revealed(options.password):
                why = why.replace(secret, "***")
            raise NotifierFailed(
                f"the mail server {options.host} did not take a message",
                why=why or type(error).__name__,
                fix="Check `host`, `port`, `tls`, `user` and `password` of the notifier.",
            ) from error

    def _connected(self) -> SMTP:
        import smtplib
        import ssl

        options = self._options
        port = options.port or PORTS[options.tls]
        if options.tls == "ssl":
            secure = ssl.create_default_context()
            return smtplib.SMTP_SSL(options.host, port, timeout=options.timeout, context=secure)
        server = smtplib.SMTP(options.host, port, timeout=options.timeout)
        if options.tls == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server


def mail(message: Message, options: EmailOptions) -> EmailMessage:
    """What is mailed. Its id is that of the message, so that readers show one that came twice once."""
    found = EmailMessage()
    found["Subject"] = one_line([f"[{message.project} {message.target}]", message.title])
    found["From"] = options.sender
    found["To"] = ", ".join(options.to)
    found["Date"] = message.at
    digest = hashlib.sha256(f"{message.project} {message.target} {message.id}".encode()).hexdigest()[:32]
    found["Message-ID"] = f"<{digest}@{options.sender.rpartition('@')[2]}>"
    found.set_content(f"{message.title}\n\n{message.text}\n\n{message.project} on {message.target}\n")
    return found
