"""Casts: the way to an address, found once and kept until something on it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from resilkit.runtime.kinds import CAST

if TYPE_CHECKING:
    from resilkit.runtime.node import Node
    from resilkit.runtime.ports import Message
    from resilkit.runtime.process import Process
    from resilkit.runtime.reference import Address

__all__ = ["Ways"]

_MOST = 4096
"""Addresses whose ways are kept; there may be any number of them, each used once."""

_Way = tuple["Process | None", "Callable[[Message], bool] | None", int]


class Ways:
    """How one node's casts get where they go.

    A cast costs its sender little else than looking the name up, whether its node is reached, and
    what takes messages for that node; the answer is nearly always the one of the last time. So the
    three are asked once an address, and forgotten all together as soon as any name, process or
    link of the node changes: `changed` is called then.
    """

    __slots__ = ("_known", "_node")

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: dict[Address, _Way] = {}

    def changed(self) -> None:
        """Ask anew: a name, a process, a link or a node has come or gone."""
        self._known.clear()

    def cast(
        self, address: Address, method: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None
    ) -> None:
        """Send a request that nobody answers; it is lost when nobody is there."""
        way = self._known.get(address)
        if way is None:
            way = self._find(address)
            if way is None:
                return
        process, send, number = way
        if process is None:
            send((CAST, number, method, args, kwargs))  # type: ignore[misc]
            return
        # `enqueue`, written out, as in `Node.call`.
        process.mailbox.append((CAST, number, method, args, kwargs))
        if not process.scheduled:
            process.scheduled = True
            self._node.loop.call_soon(process.run, context=process.context)

    def _find(self, address: Address) -> _Way | None:
        node = self._node
        pid = node.resolve(address)
        if pid is None:
            return None
        way: _Way
        if pid.node == node.name:
            process = node.processes.get(pid.number)
            if process is None or pid.incarnation != node.incarnation:
                return None
            way = (process, None, pid.number)
        else:
            if node.reached.get(pid.node) != pid.incarnation:
                return None
            straight = node.transport.straight(pid.node)
            if straight is None:  # over other nodes: the transport finds the way each time
                return (None, lambda message: node.transport.send(pid.node, message), pid.number)
            way = (None, straight, pid.number)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[address] = way
        return way
