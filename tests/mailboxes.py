"""Where do messages of notifiers arrive in tests? At a real HTTP server and a real SMTP server on loopback."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, WORD = "augury", "mail-word-1"  # pragma: allowlist secret


@dataclass
class Hook:
    """An address that keeps what is posted to it."""

    port: int = 0
    posted: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    """Headers, in lower case, and the document."""
    answers: list[tuple[int, str]] = field(default_factory=list)
    """Status and body of the next answers; 200 once they are used up."""
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/hook-word-1"

    @property
    def titles(self) -> list[str]:
        """Of plain messages."""
        return [document["title"] for _, document in self.posted]


@contextmanager
def listening(hook: Hook | None = None) -> Iterator[Hook]:
    """A server on a free port; on that of `hook` where it had one before."""
    kept = hook or Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.asked += 1
            status, said = kept.answers.pop(0) if kept.answers else (200, "ok")
            if status == 200:
                kept.posted.append(({key.lower(): value for key, value in self.headers.items()}, json.loads(body)))
            self.send_response(status)
            if status in (301, 302, 303):
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(said.encode())))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", kept.port), Handler)
    kept.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    """A mail server that keeps what it is given."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[Sequence[str]] = field(default_factory=list)
    certificate: Path | None = None
    """Of the authority that signed its certificate."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(tuple(envelope.rcpt_tos))
        return "250 kept"


class _Checked:
    def __call__(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), WORD.encode())
        return AuthResult(success=good, handled=good)


@contextmanager
def mail_server(folder: Path, tls: str) -> Iterator[Mailbox]:
    """A server with a certificate for 127.0.0.1 that asks for a password, or a plain one where `tls` is none."""
    box = Mailbox()
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    folder.mkdir(parents=True, exist_ok=True)
    box.certificate = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(box.certificate))
    more: dict[str, Any] = {"authenticator": _Checked(), "auth_required": True}
    if tls == "starttls":
        more |= {"tls_context": context, "require_starttls": True}
    elif tls == "ssl":
        more |= {"ssl_context": context, "auth_require_tls": False}
    else:
        more = {}
    controller = Controller(box, hostname="127.0.0.1", port=_free_port(), **more)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
