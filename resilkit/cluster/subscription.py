"""A notebook's subscription to topics."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from resilkit import validate
from resilkit.errors import CallTimeout, NodeDown
from resilkit.runtime.messages import Published
from resilkit.runtime.process import Process
from resilkit.telemetry.patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resilkit.cluster.session import Session
    from resilkit.cluster.waiting import Condition

__all__ = ["Subscription"]


class Subscription:
    """Receives what is published to topics that match a pattern, until it is closed.

    Iterate over it, or `get` one message at a time.
    """

    def __init__(self, session: Session, pattern: str) -> None:
        compile_pattern(pattern)
        self.pattern = pattern
        self._session = session
        self._waiting: deque[Published] = deque()
        self._come = session.thread.condition()
        self._process = session.thread.sync(self._begin())

    async def _begin(self) -> _Subscriber:
        node = self._session.node
        process = _Subscriber(node, node.new_number())
        process.waiting, process.come = self._waiting, self._come
        node.add(process)
        node.topics.subscribe(process, self.pattern)
        try:
            # The interest travels on the links in order: once each node has answered, it has it.
            # A copy: another thread may add a node meanwhile. That one learns it when it joins.
            for name, state in list(self._session.nodes.items()):
                if state.status == "running":
                    with suppress(NodeDown):  # it learns it when it comes back
                        await self._session.ask_agent(name, "ping")
        except BaseException:
            process.end("normal")  # nobody would have it to close it by
            raise
        return process

    def get(self, timeout: float | None = 5.0) -> Published:
        """Return the next message.

        Args:
            timeout: Seconds to wait; ``None`` for ever.

        Raises:
            CallTimeout: None came in time.
        """
        validate.duration(timeout, "timeout", allow_none=True)
        mine: list[Published] = []

        def come() -> bool:
            with suppress(IndexError):  # there is none, or another thread was faster
                mine.append(self._waiting.popleft())
            return bool(mine)

        if not self._come.wait_for(come, timeout):
            raise CallTimeout(f"nothing was published to {self.pattern!r} within {timeout:g} s")
        return mine[0]

    def close(self) -> None:
        """Receive no more."""
        self._session.thread.submit(self._process.end, "normal")

    def __repr__(self) -> str:
        return f"<subscription to {self.pattern!r}, {len(self._waiting)} waiting>"

    def __iter__(self) -> Iterator[Published]:
        """Yield messages as they come, for ever."""
        while True:
            yield self.get(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Subscriber(Process):
    __slots__ = ("come", "waiting")

    waiting: deque[Published]
    come: Condition

    def run(self) -> None:
        """Hand over what waits."""
        self.scheduled = False
        while self.mailbox:
            message = self.mailbox.popleft()[2]
            if isinstance(message, Published):
                self.waiting.append(message)
        self.come.notify()
