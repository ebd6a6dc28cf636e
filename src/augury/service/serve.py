"""How does a process of the service live? It beats, decides where it is the one that may, performs, ends in order."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from threading import Condition, Event, Thread

from augury.errors import AuguryError, Locked
from augury.events import Listener
from augury.ledger.leases import Lease
from augury.ledger.queue_records import WorkerRecord
from augury.operations.changes import counted
from augury.operations.locking import SERVICE
from augury.operations.opened import Opened
from augury.run.locks import Lock, PartitionLocks
from augury.run.log_bridge import capture_printing
from augury.service.dispatch import Dispatcher, Tell
from augury.service.durable import Durable, Released
from augury.service.execute import Executor
from augury.service.inspecting import lease_of, living
from augury.service.observing import Observing
from augury.service.reloading import Reloading
from augury.service.scheduling import Schedules
from augury.service.telling import Telling
from augury.spec.files import ProjectSpec

SCHEDULER = "scheduler"
"""The lease of the worker that decides, where there are several."""
TIDIED = 3600.0
"""Seconds between two tidyings."""
INTERRUPTED = 3.0
"""Seconds in which a query that was interrupted ends."""


@dataclass(frozen=True)
class HowToServe:
    concurrency: int
    """Tasks at a time, one thread each."""
    grace: float = 30.0
    """Seconds that running tasks have to end in when the service stops."""
    until_idle: bool = False
    """End once nothing is left to do, instead of waiting for more."""


class Server:
    """One process of the service: `augury up`, or one of several workers."""

    def __init__(
        self,
        opened: Opened,
        how: HowToServe,
        tell: Tell,
        listeners: Sequence[Listener],
        read: Callable[[], ProjectSpec],
    ) -> None:
        """`read` reads the project's files as they are by then."""
        self._opened = opened
        self._how = how
        self._tell = tell
        self._listeners = tuple(listeners)
        self._observing = Observing(opened, tell)
        self._reloading = Reloading(opened, read)
        self._settings = opened.spec.settings.service
        host = socket.gethostname()
        self.name = f"{host}-{os.getpid()}-{secrets.token_hex(3)}"
        self._record = WorkerRecord(
            name=self.name,
            host=host,
            pid=os.getpid(),
            concurrency=how.concurrency,
            started_at=opened.clock(),
            heartbeat_at=opened.clock(),
        )
        self._durable = durable_of(opened, self.name, how.concurrency)
        self._executors: list[Executor] = []
        """The last one performs what is begun now; earlier ones end what they began before the project changed."""
        self._take_up(opened)
        self._scheduler: Lease | None = None
        self._tidied = float("-inf")
        self._running: set[Released] = set()
        self._changed = Condition()
        """Something happened that the next pass should see at once."""

    def serve(self, stop: Event, began: Callable[[], None] = lambda: None) -> bool:
        """Work until `stop` is set, which it is in any case when this returns. False where threads are left that did
        not end: the process has to end without waiting for them.

        Raises Locked where another process serves this ledger already."""
        opened = self._opened
        with ExitStack() as stack:
            if not opened.ledger.shared:
                stack.enter_context(_alone(opened))
            stack.enter_context(self._observing.served())
            opened.warehouse.set_threads(1 if self._how.concurrency > 1 else None)
            stack.enter_context(capture_printing(self._printed))
            stack.callback(self._close)
            opened.ledger.register_worker(self._record)
            stack.callback(self._leave)
            self._durable.launch(self._perform)
            stack.callback(self._durable.stop)
            ended = Event()
            beating = Thread(target=self._beat, args=(ended,), name="augury-heartbeat", daemon=True)
            beating.start()
            stack.callback(beating.join, 5.0)
            stack.callback(ended.set)
            began()
            grace = self._how.grace
            try:
                self._work(stop)
            except KeyboardInterrupt:
                grace = 0.0  # asked a second time
            finally:
                stop.set()
                in_order = self._finish_running(grace)
        return in_order

    # -- the loop --------------------------------------------------------------------------------------------------

    def _work(self, stop: Event) -> None:
        Thread(target=self._wake_on, args=(stop,), name="augury-stop", daemon=True).start()
        while not stop.is_set():
            pause = self._settings.poll
            try:
                for executor in self._executors:
                    executor.give_back()
                self._reload()
                if self._decides():
                    self._schedules.once(self._opened.clock())
                    moved = self._dispatcher.once()
                    self._telling.once(self._opened.clock())
                    self._tidy()
                    if moved:
                        pause = 0.0
                    elif self._how.until_idle and self._dispatcher.is_idle:
                        self._telling.finish(idle=True)
                        return
            except AuguryError as error:
                # A ledger that is away for a while comes back; what was out is found again.
                self._tell("error", self._opened.masker.mask(str(error)))
            with self._changed:
                if not stop.is_set() and pause:
                    self._changed.wait(pause)
        self._telling.finish(idle=False)

    def _tidy(self) -> None:
        """Now and then, what is over is forgotten by the library that performed it."""
        if time.monotonic() - self._tidied > TIDIED:
            self._tidied = time.monotonic()
            self._durable.tidy()

    def _reload(self) -> None:
        """Go on with the project's files as they are now, or as they were where they cannot be used."""
        try:
            opened = self._reloading.once(self._opened)
        except AuguryError as error:
            self._tell("error", f"going on with the files as they were before: {error}")
            return
        if opened is not None:
            self._tell("info", "the project's files changed and were read again")
            self._take_up(opened)

    def _take_up(self, opened: Opened) -> None:
        self._opened = opened
        listeners = (*self._listeners, *self._observing.take_up(opened))
        self._executors.append(Executor(opened, self.name, max_starts=self._settings.max_starts, listeners=listeners))
        self._dispatcher = Dispatcher(
            opened, self._durable, self._tell, alive=self._living, let_go=self._observing.let_go
        )
        self._schedules = Schedules(opened, self._tell)
        self._telling = Telling(opened, self._tell)

    def _printed(self, line: str) -> None:
        for executor in self._executors:
            executor.printed(line)

    def _close(self) -> None:
        for executor in self._executors:
            executor.close()

    def _wake_on(self, stop: Event) -> None:
        stop.wait()
        with self._changed:
            self._changed.notify_all()

    def _perform(self, released: Released) -> None:
        with self._changed:
            self._running.add(released)
        try:
            with self._observing.task(released, self.name):
                self._executors[-1].perform(released)
        finally:
            with self._changed:
                self._running.discard(released)
                self._changed.notify_all()

    def _finish_running(self, grace: float) -> bool:
        """Nothing new is taken; what runs may end, and is handed back where it does not in time: False then, for code
        of others, such as a hook, may still be at it in a thread that nobody can end."""
        with suppress(AuguryError):
            self._opened.ledger.beat(self.name, self._opened.clock(), stopping=True)
        try:
            if self._running and grace:
                tasks = counted(len(self._running), "task")
                self._tell("info", f"stopping: {tasks} under way, for {grace:g} s at most; a second time stops at once")
            if self._are_over(grace):
                return True
        except KeyboardInterrupt:
            pass  # asked a second time
        self._opened.warehouse.interrupt()
        return self._are_over(INTERRUPTED) or self._hand_back()

    def _are_over(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, seconds)

    def _hand_back(self) -> bool:
        """Queue again what does not end. Whatever comes of it later belongs to an attempt that is over."""
        with self._changed:
            left = sorted(self._running, key=lambda released: released.workflow)
        for released in left:
            self._tell("warning", f"{released.task} of run {released.run_id} was not over in time, and is handed back")
            with suppress(AuguryError):
                now, why = self._opened.clock(), "its worker stopped"
                self._opened.ledger.repeat_task(
                    released.run_id, released.task, released.attempt, now, why, started=False
                )
        return not left

    # -- being alive -----------------------------------------------------------------------------------------------

    def _beat(self, ended: Event) -> None:
        ledger, clock, seconds = self._opened.ledger, self._opened.clock, self._settings.lease
        lease = None
        while True:
            try:
                known = ledger.beat(self.name, clock())
                if lease is None or not ledger.renew(lease, seconds, clock()):
                    lease = ledger.acquire(lease_of(self.name), self.name, seconds, clock())
                if not known:
                    self._tell("warning", "this worker was given up for dead, and begins again")
                    ledger.register_worker(self._record)
            except AuguryError as error:
                self._tell("error", f"no heartbeat: {self._opened.masker.mask(error.what)}")
            if ended.wait(seconds / 3):
                break
        with suppress(AuguryError):
            if lease is not None:
                ledger.release(lease)

    def _living(self, workers: Sequence[WorkerRecord]) -> frozenset[str]:
        if not self._opened.ledger.shared:
            # The marker's lock says that this is the only process.
            return frozenset({self.name})
        return living(self._opened, workers)

    def _decides(self) -> bool:
        """Of several workers one decides: whoever has the lease, which every pass renews."""
        ledger, now = self._opened.ledger, self._opened.clock()
        if not ledger.shared:
            return True
        if self._scheduler is not None and ledger.renew(self._scheduler, self._settings.lease, now):
            return True
        self._scheduler = ledger.acquire(SCHEDULER, self.name, self._settings.lease, now)
        return self._scheduler is not None

    def _leave(self) -> None:
        with suppress(AuguryError):
            if self._scheduler is not None:
                self._opened.ledger.release(self._scheduler)
            self._opened.ledger.remove_worker(self.name)


def _alone(opened: Opened) -> Lock:
    """What only one service at a time has. Raises Locked, which names that one."""
    try:
        return PartitionLocks(opened.locks_folder, opened.clock).acquire(SERVICE, "")
    except Locked as error:
        error.what = "this ledger is served already, and a ledger in a file has one service at a time"
        stop = f" To have this one instead, end that one first: kill {error.owner.pid}" if error.owner else ""
        error.fix = f"See what it does: augury tasks.{stop}"
        raise


def durable_of(opened: Opened, name: str, concurrency: int) -> Durable:
    """The DBOS of a process: beside an embedded ledger, or in the database of a shared one."""
    if not opened.ledger.shared:
        return Durable(
            f"sqlite:///{opened.home / '_service.db'}", "up", schema="dbos", concurrency=concurrency, shared=False
        )
    url = opened.spec.target.ledger
    assert url is not None
    schema = f"{opened.spec.name}_{opened.spec.namespace}_dbos"
    return Durable(url, name, schema=schema, concurrency=concurrency, shared=True)
