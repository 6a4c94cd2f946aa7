"""Which nodes can be reached from here, and whether they are the majority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.runtime.messages import NodeLost, NodeUp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resilkit.runtime.node import Node
    from resilkit.runtime.process import Process

__all__ = ["Membership"]


class Membership:
    """One node's view of the others. In a partition, each side has its own."""

    def __init__(self, node: Node) -> None:
        self._node = node
        # By itself: every message to another node asks for it.
        self.incarnations: dict[str, int] = {}
        self._roles: dict[str, str] = {}
        self._members = 0  # of those; each that comes or goes is told whether it is the majority
        self._watchers: dict[Process, None] = {}
        # How often this node has found each other one, and what each last said of the same.
        self._found: dict[str, int] = {}
        self._found_by: dict[str, int] = {}

    def up(self, name: str, incarnation: int, role: str) -> None:
        """Take in a node that can be reached."""
        self._found[name] = self._found.get(name, 0) + 1
        self._members += (role == "member") - (self._roles.get(name) == "member")
        self._roles[name] = role
        self.incarnations[name] = incarnation
        if self._watchers and role == "member":
            self._tell(NodeUp(name, self.majority()))

    @property
    def alone(self) -> bool:
        """Whether no member can be reached."""
        return not self._members

    def meet(self, peers: Mapping[str, int]) -> None:
        """Take in members that find this node at the same moment; it was alone before."""
        once = dict.fromkeys(peers, 1)
        if self._watchers:
            for name, incarnation in peers.items():
                self.up(name, incarnation, "member")
        else:
            self._members = len(peers)
            self._roles.update(dict.fromkeys(peers, "member"))
            self.incarnations.update(peers)
            self._found.update(once)
        self._found_by.update(once)

    def down(self, name: str, incarnation: int) -> str | None:
        """Strike a node out; return its role, or ``None`` when a newer incarnation is up."""
        if self.incarnations.get(name) != incarnation:
            return None
        del self.incarnations[name]
        role = self._roles.pop(name)
        self._members -= role == "member"
        self._found_by.pop(name, None)
        if self._watchers and role == "member":
            self._tell(NodeLost(name, self.majority()))
        return role

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
        names = [name for name, role in self._roles.items() if role == "member"]
        if self._node.role == "member":
            names.append(self._node.name)
        return sorted(names)

    def clients(self) -> list[str]:
        """Return the clients that are connected to this node."""
        return [name for name, role in self._roles.items() if role == "client"]

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
