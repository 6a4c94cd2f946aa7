"""Who waits for a node to reach others: answered when it does, and when they confirm it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from resilkit.runtime.messages import Pid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resilkit.runtime import Node
    from resilkit.runtime.pending import Deferred

__all__ = ["AGENT_NUMBER", "ReachWaiters"]

AGENT_NUMBER = 1
"""The process number of a node's agent: the first process of its node."""

_CONFIRMED_WITHIN = 1.0
"""Seconds for others to answer over their links: a fault on these may hold it back."""


class ReachWaiters:
    """Those who wait until a node reaches others; true while there are some.

    Args:
        node: The node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._waiting: list[tuple[Deferred, dict[str, None], bool]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def wait(self, caller: Deferred, names: Iterable[str], *, confirmed: bool) -> None:
        """Answer `caller` when `names` are reached; see `Agent.wait_reachable`."""
        self._waiting.append((caller, dict.fromkeys(names), confirmed))
        self.look()

    def _reaches(self, names: Iterable[str]) -> bool:
        node = self._node
        told, reached = node.names.told_by, node.reached
        return all(each == node.name or (each in told and each in reached) for each in names)

    def look(self) -> None:
        """See who need not wait any more."""
        told = len(self._node.names.told_by)
        for waiter in list(self._waiting):
            caller, names, confirmed = waiter
            # Counted first: in a large cluster one node after the other tells.
            if told + 1 >= len(names) and self._reaches(names):
                self._waiting.remove(waiter)
                if confirmed:
                    self._node.spawn_task(self._confirm(caller, names))
                else:
                    caller.reply(sorted(names))

    async def _confirm(self, caller: Deferred, names: dict[str, None]) -> None:
        """Answer when the others have answered, too, over the links between.

        What each had said of its links before has arrived by then. That a link which was mended
        here is not yet whole there, for one: it would be lost again a moment later.
        """
        node = self._node
        reached = node.reached  # some may be lost again since they were looked at
        others = [Pid(name, AGENT_NUMBER, reached[name]) for name in names if name in reached]
        asks = [node.call(agent, "ping", (), None, _CONFIRMED_WITHIN) for agent in others]
        await asyncio.gather(*asks, return_exceptions=True)
        if self._reaches(names):
            caller.reply(sorted(names))
        else:
            # Looked at again as soon as somebody is reached.
            self._waiting.append((caller, names, True))
