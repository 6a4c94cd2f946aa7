"""Which nodes can be reached from here, and whether they are the majority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.runtime.messages import NodeLost, NodeUp

if TYPE_CHECKING:
    from resilkit.runtime.node import Node
    from resilkit.runtime.process import Process

__all__ = ["Membership"]


class Membership:
    """One node's view of the others. In a partition, each side has its own."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: dict[str, tuple[int, str]] = {}
        self._members = 0  # of those; each that comes or goes is told whether it is the majority
        # The same by itself: every message to another node asks for it.
        self.incarnations: dict[str, int] = {}
        self._watchers: dict[Process, None] = {}
        # How often this node has found each other one, and what each last said of the same.
        self._found: dict[str, int] = {}
        self._found_by: dict[str, int] = {}

    def up(self, name: str, incarnation: int, role: str) -> None:
        """Take in a node that can be reached."""
        self._found[name] = self._found.get(name, 0) + 1
        before = self._known.get(name)
        self._members += (role == "member") - (before is not None and before[1] == "member")
        self._known[name] = (incarnation, role)
        self.incarnations[name] = incarnation
        if role == "member":
            self._tell(NodeUp(name, self.majority()))

    def down(self, name: str, incarnation: int) -> str | None:
        """Strike a node out; return its role, or ``None`` when a newer incarnation is up."""
        known = self._known.get(name)
        if known is None or known[0] != incarnation:
            return None
        del self._known[name], self.incarnations[name]
        self._members -= known[1] == "member"
        self._found_by.pop(name, None)
        if known[1] == "member":
            self._tell(NodeLost(name, self.majority()))
        return known[1]

    def found(self, name: str) -> int:
        """Return how often this node has found `name`: what it tells that one."""
        return self._found.get(name, 0)

    def found_by(self, name: str, times: int) -> None:
        """Hear from `name` how often it has found this node.

        Once more than when it last said so, though it was never lost here, means that it lost this
        node for a while. A loss is one for both: what depended on it ended there, and ends here.
        """
        before, incarnation = self._found_by.get(name), self.incarnations.get(name)
        if incarnation is not None:
            if before not in {None, times}:
                self._node.peer_down(name, incarnation)
                self._found[name] -= 1  # for the other it is the same meeting
                self._node.peer_up(name, incarnation, "member")
            self._found_by[name] = times

    def incarnation(self, name: str) -> int | None:
        """Return the incarnation of a node that can be reached, else ``None``."""
        return self.incarnations.get(name)

    def reachable(self) -> list[str]:
        """Return the members that can be reached, this one included, sorted."""
        names = [name for name, (_, role) in self._known.items() if role == "member"]
        if self._node.role == "member":
            names.append(self._node.name)
        return sorted(names)

    def clients(self) -> list[str]:
        """Return the clients that are connected to this node."""
        return [name for name, (_, role) in self._known.items() if role == "client"]

    def majority(self) -> bool:
        """Whether this node and those that it reaches are more than half of the cluster."""
        reached = self._members + (self._node.role == "member")
        return 2 * reached > len(self._node.transport.members())

    def watch(self, process: Process) -> None:
        """Send `NodeUp` and `NodeLost` to `process` from now on."""
        self._watchers[process] = None

    def drop(self, process: Process) -> None:
        """Forget a process that ended."""
        self._watchers.pop(process, None)

    def _tell(self, message: object) -> None:
        for process in list(self._watchers):
            process.info(message)
