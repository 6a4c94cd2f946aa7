"""Worker processes that do one task after the other; one that dies costs its own task only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, NamedTuple, Self

from resilkit import clock
from resilkit.errors import StartFailed
from resilkit.reruns.rows import out_of_time

__all__ = ["Crew", "Lost"]

# The current folder must not decide what is imported first, and the main module of whoever calls
# is not run again: what it defined travels by value.
_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[2]); "
    "from resilkit.reruns.worker import main; main(int(sys.argv[1]))"
)
_WORDS = 400
"""Letters of the last words of a worker that died."""

_SLACK = 5.0
"""Seconds beyond its time for a worker to end a task by itself, before it is killed."""

_READY = 120.0
"""Seconds for a worker to load what it needs. One that takes longer has been stopped, perhaps."""

_MOST_MISSES = 3
"""Workers in a row that may die while they start, once others have: then it is no accident."""


class Lost(NamedTuple):
    """Why a task came to nothing: its worker died, or had to be killed.

    Attributes:
        why: How that came, in words.
        took: Seconds from when the task was given out until that was seen.
    """

    why: str
    took: float


class _Worker:
    """One process, and what it does."""

    def __init__(self, job: bytes) -> None:
        ours, theirs = Pipe()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOT, str(theirs.fileno()), json.dumps(path)],
                stdin=subprocess.PIPE,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self.connection: Connection = ours  # type: ignore[assignment]
        self.ready = False
        self.born = clock.monotonic()
        self.task: Any = None
        self.began = 0.0
        try:
            self.connection.send_bytes(job)
        except OSError:
            return  # it has died already, which is found when somebody listens to it

    def give(self, task: Any) -> None:
        """Let it do a task."""
        self.task, self.began = task, clock.monotonic()
        self.connection.send(task)

    def lost(self, why: str) -> Lost:
        """Return that its task came to nothing, as of now."""
        return Lost(why, clock.monotonic() - self.began)

    def last_words(self) -> str:
        """Return how it ended."""
        status = self.process.wait()
        self._output.seek(max(0, self._output.seek(0, 2) - _WORDS))
        words = self._output.read().decode(errors="replace").strip()
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"its process {how}{f'; it said: …{words}' if words else ''}"

    def end(self) -> None:
        """End it now."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.connection.close()
        self._output.close()


class Crew:
    """So many workers, started when there is work for them, and ended with the block.

    Args:
        size: How many.
        job: What all of them are sent first; see `resilkit.reruns.worker`.
        timeout: Seconds that a task may take by itself; a worker that goes far beyond is killed.
    """

    def __init__(self, size: int, job: bytes, *, timeout: float | None = None) -> None:
        self._size = size
        self._job = job
        self._timeout = timeout
        self._workers: list[_Worker] = []
        # How many may still die while they start: none, until one has come so far.
        self._misses_left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def do(
        self, tasks: Iterable[Any], *, until: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[Any, Any]]:
        """Give each task with what came of it, in the order in which they end.

        Args:
            tasks: The tasks, which travel to the workers; each is given out when one is free.
            until: Asked before a task is given out: when it says so, no more are.

        Returns:
            The task and its answer, or `Lost`.

        Raises:
            StartFailed: The first worker that is heard of cannot start, or later four in a row; or
                one cannot read what all are sent first.
        """
        left = deque(tasks)
        while True:
            while left and not until() and self._free(len(left)):
                self._give(left)
            busy = [one for one in self._workers if one.task is not None or not one.ready]
            over = not left or until()
            if not any(one.task is not None for one in busy) and over:
                return
            ready = wait([one.connection for one in busy], self._patience(busy))
            for worker in busy:
                if worker.connection in ready:
                    yield from self._heard(worker)
                elif self._is_late(worker):
                    self._drop(worker)
                    self._missed(f"it was not ready after {_READY:g} s, and was killed")
                elif self._is_stuck(worker):
                    why = f"{out_of_time(self._timeout or 0.0)}, and its process had to be killed"
                    yield worker.task, worker.lost(why)
                    self._drop(worker)

    def _free(self, wanted: int) -> bool:
        """Return whether somebody is free; start one more if there is work for him."""
        if any(one.ready and one.task is None for one in self._workers):
            return True
        coming = sum(not one.ready for one in self._workers)
        if len(self._workers) < self._size and coming < wanted:
            self._workers.append(_Worker(self._job))
            return self._free(wanted)
        return False

    def _give(self, left: deque[Any]) -> None:
        worker = next(one for one in self._workers if one.ready and one.task is None)
        try:
            worker.give(left[0])
        except OSError:  # it has died while it had nothing to do
            self._drop(worker)
            return
        left.popleft()

    def _heard(self, worker: _Worker) -> Iterator[tuple[Any, Any]]:
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            task, words = worker.task, worker.last_words()
            lost = worker.lost(words)
            self._drop(worker)
            if task is None:
                self._missed(words)
            else:
                yield task, lost
            return
        if not worker.ready:
            if answer:
                raise StartFailed(f"a worker cannot read the experiment: {answer}", reason=answer)
            worker.ready = True
            self._misses_left = _MOST_MISSES
            return
        task, worker.task = worker.task, None
        yield task, answer

    def _missed(self, words: str) -> None:
        """Go on without a worker that did not come so far as to take a task, if that may be."""
        if not self._misses_left:
            message = f"a worker did not start: {words}"  # nor would the next
            raise StartFailed(message, reason=words) from None
        # The machine was short of memory, perhaps; what others have done is kept.
        self._misses_left -= 1

    def _patience(self, busy: list[_Worker]) -> float | None:
        ends = [one.born + _READY for one in busy if not one.ready]
        if self._timeout is not None:
            ends += [one.began + self._timeout + _SLACK for one in busy if one.task is not None]
        return max(0.05, min(ends) - clock.monotonic()) if ends else None

    def _is_late(self, worker: _Worker) -> bool:
        return not worker.ready and clock.monotonic() > worker.born + _READY

    def _is_stuck(self, worker: _Worker) -> bool:
        if self._timeout is None or worker.task is None:
            return False
        return clock.monotonic() > worker.began + self._timeout + _SLACK

    def _drop(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.end()
