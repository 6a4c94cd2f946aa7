"""Calls that wait for a reply, and their time limits."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

from resilkit.errors import CallTimeout, NodeDown

if TYPE_CHECKING:
    import asyncio
    from asyncio import Future
    from collections.abc import Callable

__all__ = ["CallTable"]

_Waiting = dict[int, "Future[Any]"]


class CallTable:
    """The calls that one node's processes wait for, grouped by the node that must answer.

    A timer a call would cost more than the call, so calls with the same time limit share one:
    their deadlines come in the order in which they were made, so a queue is already sorted.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, incarnation: int = 0) -> None:
        self._loop = loop
        # A late reply to the node's former life must not be taken for one to this.
        self._numbers = count((incarnation << 40) + 1)
        self._waiting: dict[str, _Waiting] = {}
        self._queues: dict[float, deque[tuple[float, int, _Waiting, Any, str]]] = {}
        self._time = loop.time
        self._new_future = loop.create_future

    def open(
        self,
        node: str,
        timeout: float | None = None,
        what: str = "",
        whom: object = None,
        future: Future[Any] | None = None,
    ) -> tuple[int, Future[Any]]:
        """Return a new call's number and the future that its reply resolves.

        Args:
            node: The node that must answer.
            timeout: Seconds to wait, ``None`` for ever.
            what: The method, for the message of a timeout.
            whom: The address, for the same.
            future: What to resolve, instead of a new one.
        """
        number = next(self._numbers)
        waiting = self._waiting.get(node)
        if waiting is None:
            waiting = self._waiting[node] = {}
        if future is None:
            future = self._new_future()
        waiting[number] = future
        if timeout is not None:
            self.limit(node, number, timeout, what, whom)
        return number, future

    def limit(self, node: str, number: int, timeout: float, what: str, whom: object) -> None:
        """Give an open call its time limit, from now on."""
        queue = self._queues.get(timeout)
        if queue is None:
            # Its timer runs as long as the queue is in the table.
            queue = self._queues[timeout] = deque()
            self._loop.call_later(timeout, self._expire, timeout, queue)
        # Answered calls leave from the left here, so the queue holds no more than the oldest
        # unanswered call and what came after it.
        while queue and queue[0][1] not in queue[0][2]:
            queue.popleft()
        queue.append((self._time() + timeout, number, self._waiting[node], whom, what))

    def resolve(self, node: str, number: int, value: object) -> None:
        """Give the reply of `node` to the call; a late one is dropped."""
        waiting = self._waiting.get(node)
        future = waiting.pop(number, None) if waiting is not None else None
        if future is not None and not future.done():
            future.set_result(value)

    def fail(self, node: str, number: int, error: BaseException) -> None:
        """End the call with `error`; too late is dropped."""
        waiting = self._waiting.get(node)
        future = waiting.pop(number, None) if waiting is not None else None
        if future is not None and not future.done():
            future.set_exception(error)

    def failed(self, error: BaseException, future: Future[Any] | None = None) -> Future[Any]:
        """Return the future of a call that could not be made."""
        if future is None:
            future = self._new_future()
        future.set_exception(error)
        return future

    def done(self, *, value: Any) -> Future[Any]:
        """Return the future of a question that needs nobody to answer it."""
        future = self._new_future()
        future.set_result(value)
        return future

    def lose(self, node: str) -> None:
        """Fail every call that `node` has not answered: it was lost."""
        self._fail_all(node, lambda: NodeDown(f"node {node} was lost during the call", node=node))

    def close(self, error: Callable[[], BaseException]) -> None:
        """Fail every call that is still open."""
        for node in list(self._waiting):
            self._fail_all(node, error)

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values())

    def _fail_all(self, node: str, error: Callable[[], BaseException]) -> None:
        waiting = self._waiting.pop(node, {})
        for future in waiting.values():
            if not future.done():
                future.set_exception(error())
        # The queues hold this very dict: emptied, its calls count as answered there.
        waiting.clear()

    def _expire(self, timeout: float, queue: deque[tuple[float, int, _Waiting, Any, str]]) -> None:
        now = self._loop.time()
        while queue:
            deadline, number, waiting, whom, what = queue[0]
            if number in waiting:
                if deadline > now:
                    self._loop.call_at(deadline, self._expire, timeout, queue)
                    return
                future = waiting.pop(number)
                if not future.done():
                    future.set_exception(
                        CallTimeout(
                            f"{what} on {whom} was not answered within {timeout:g} s; "
                            "the server may still do the work"
                        )
                    )
            queue.popleft()
        self._queues.pop(timeout, None)
