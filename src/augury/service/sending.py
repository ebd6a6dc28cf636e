"""How do messages leave? One after the other on a thread of their own, each until it is taken or given up.

An attempt is claimed in the ledger before it is made and recorded after it, so that neither another worker nor a
service that comes back sends what was sent. Only a process that dies between the two leaves a message that is sent
again, under the same id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Thread

from augury.errors import AuguryError
from augury.ledger.incident_records import Notice
from augury.ledger.store import Ledger
from augury.notifiers.contract import Message, Notifier
from augury.service.policy import backoff

Tell = Callable[[str, str], None]

ATTEMPTS = 10
"""With pauses that double from BACKOFF to an hour: after about four hours a message is given up."""
BACKOFF = 30.0
"""Seconds after the first failure."""
CLAIMED = timedelta(minutes=5)
"""An attempt takes shorter than this, or its process is dead."""
KEPT = timedelta(days=30)
"""How long the ledger remembers what was sent."""
PATIENCE = 25.0
"""Seconds that a stopping service waits for the message under way; a little more than the longest usual time-out."""


class Sending:
    """At most one round at a time; used by the one process that decides."""

    def __init__(
        self,
        ledger: Ledger,
        notifiers: Mapping[str, Notifier],
        clock: Callable[[], datetime],
        tell: Tell,
        mask: Callable[[str], str] = str,
    ) -> None:
        self._ledger, self._notifiers, self._clock = ledger, notifiers, clock
        self._tell, self._mask = tell, mask
        self._thread: Thread | None = None
        self._stopping = Event()

    def once(self, now: datetime) -> None:
        """Begin a round, unless one is under way or nothing is due."""
        if self._thread is not None and self._thread.is_alive():
            return
        if due := self._ledger.due_notices(now):
            self._thread = Thread(target=self._round, args=(due,), name="augury-notices", daemon=True)
            self._thread.start()

    def finish(self, *, whole_round: bool = False) -> None:
        """Wait for the message under way, or for all of them."""
        if not whole_round:
            self._stopping.set()
        if self._thread is not None:
            self._thread.join(None if whole_round else PATIENCE)

    def _round(self, due: Sequence[Notice]) -> None:
        try:
            for notice in due:
                if self._stopping.is_set():
                    return
                self._attempt(notice)
            self._ledger.forget_notices(self._clock() - KEPT)
        except AuguryError as error:
            # The ledger is away: what was not sent is still to be sent.
            self._tell("error", f"messages wait: {self._mask(error.what)}")

    def _attempt(self, notice: Notice) -> None:
        now = self._clock()
        claimed = self._ledger.claim_notice(notice, now + CLAIMED)
        if claimed is None:
            return
        message = Message.from_dict(claimed.message)
        why = self._send(claimed.notifier, message)
        now = self._clock()
        if not why:
            self._ledger.record_notice(replace(claimed, sent_at=now, error=""))
            self._tell("info", f"told {claimed.notifier}: {message.title}")
        elif claimed.notifier in self._notifiers and claimed.attempts < ATTEMPTS:
            seconds = backoff(claimed.attempts, BACKOFF, claimed.id)
            self._ledger.record_notice(replace(claimed, not_before=now + timedelta(seconds=seconds), error=why))
            self._tell("warning", f"{claimed.notifier} was not told: {why}; again in {seconds:.0f} s")
        else:
            self._ledger.record_notice(replace(claimed, given_up=True, error=why))
            self._tell(
                "error", f"{claimed.notifier} is not told, after {claimed.attempts} attempts: {message.title}; {why}"
            )

    def _send(self, name: str, message: Message) -> str:
        """Why it was not taken; empty where it was."""
        notifier = self._notifiers.get(name)
        if notifier is None:
            return "there is no such notifier on this target any more"
        try:
            notifier.send(message)
        except AuguryError as error:
            return self._mask("; ".join(part for part in (error.what, error.why) if part))
        except Exception as error:  # noqa: BLE001  an adapter may be anybody's, and breaks nothing
            return self._mask(f"{type(error).__name__}: {error}")
        return ""
