"""In which order are the tasks of a plan performed, side by side where they allow it, and what becomes of the rest?

Any number of threads take tasks that wait for nothing more. A failed task blocks exactly those that need it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from augury.plan.steps import Plan, Task
from augury.run.progress import Ended, Progress

Perform = Callable[[Task], Ended]
Block = Callable[[Task, str], Ended]
Over = Callable[[Task, Ended], None]


class Runner:
    """Performs the tasks of one plan. Deciding is in Progress; doing is in the functions that it is given.

    `over` hears of every task exactly once.
    """

    def __init__(
        self, plan: Plan, perform: Perform, block: Block, over: Over, *, parallel: int, descending: bool
    ) -> None:
        self._perform = perform
        self._block = block
        self._tell = over
        self._parallel = parallel
        tasks = sorted(plan.tasks, key=lambda task: task.day, reverse=True) if descending else plan.tasks
        self._todo: list[Task] = list(tasks)
        self._progress = Progress(plan)
        self._ring: list[Task] = []

    def run(self) -> None:
        """Returns when every task has ended. KeyboardInterrupt lets running tasks end and leaves the others."""
        if self._parallel == 1:
            while self._todo:
                self._finish(*self._do(self._ready() or self._stuck()))
            return
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="augury") as pool:
            running: set[Future[tuple[Task, Ended]]] = set()
            try:
                while self._todo or running:
                    while len(running) < self._parallel and (task := self._ready()) is not None:
                        running.add(pool.submit(self._do, task))
                    if not running:
                        running.add(pool.submit(self._do, self._stuck()))
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        self._finish(*future.result())
            except KeyboardInterrupt:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _stuck(self) -> Task:
        """The first of tasks that wait for one another. The planner makes no such ring; a stored plan of another
        version might, and had better fail than hang."""
        task = self._todo.pop(0)
        self._ring.append(task)
        return task

    def _ready(self) -> Task | None:
        """Take the first task that waits for nothing more."""
        for at, task in enumerate(self._todo):
            if not self._progress.waits(task):
                return self._todo.pop(at)
        return None

    def _do(self, task: Task) -> tuple[Task, Ended]:
        over = self._progress.over(task)
        if over is not None:
            return task, over
        stuck = any(task is each for each in self._ring)
        why = "it waits for tasks that wait for it" if stuck else self._progress.blocked(task)
        return task, self._block(task, why) if why else self._perform(task)

    def _finish(self, task: Task, ended: Ended) -> None:
        self._tell(task, ended)
        self._progress.end(task, ended)
