"""Another thread, for what a simulation must not touch."""

from __future__ import annotations

import threading
from _thread import LockType
from typing import Any, Self

__all__ = ["Aside"]

_acquire: Any = LockType.acquire
"""The machine's: in a step of a simulation none can wait for a thread that is older than it."""


class Done:
    """What the thread has done, also for a test that waits for it inside a step."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.release = self.lock.release

    def acquire(self, timeout: float) -> bool:
        return bool(_acquire(self.lock, True, timeout))


class Aside:
    """A thread that does what it is told while the test waits."""

    def __init__(self) -> None:
        self.tasks: list[Any] = []
        self.asked, self.done = threading.Semaphore(0), Done()
        self.result: Any = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        while True:
            self.asked.acquire()
            task = self.tasks.pop()
            if task is None:
                return
            self.result = task()
            self.done.release()

    def start(self, task: Any) -> None:
        self.tasks.append(task)
        self.asked.release()

    def do(self, task: Any) -> Any:
        self.start(task)
        assert self.done.acquire(timeout=20)
        return self.result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.start(None)
        self.thread.join(20)
