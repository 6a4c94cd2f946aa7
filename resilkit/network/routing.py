"""Who reaches whom: link states flooded through the cluster, and the way to each node.

Every node tells all others which of its links are up; a link counts when both its ends say so.
From these states each node works out by breadth-first search whom it reaches and over which
neighbour. It is the classic link-state protocol, with incarnation and sequence number in the
place of OSPF's sequence and age.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["LinkState", "Routes"]


@dataclass(frozen=True, slots=True)
class LinkState:
    """What one node says of its links.

    Attributes:
        node: Its name.
        incarnation: How often it has been started.
        sequence: Grows with every change, from 1.
        neighbours: The nodes that its links reach now, with their incarnations: what an earlier
            incarnation of a neighbour said must not bring the link up for the later one.
    """

    node: str
    incarnation: int
    sequence: int
    neighbours: tuple[tuple[str, int], ...]

    def newer_than(self, other: LinkState | None) -> bool:
        """Whether this one replaces `other`."""
        return other is None or (self.incarnation, self.sequence) > (
            other.incarnation,
            other.sequence,
        )


class Routes:
    """One node's table of link states, and the ways that follow from it.

    Examples:
        >>> routes = Routes("n1", 1)
        >>> _ = routes.set_neighbours([("n2", 1)])
        >>> _ = routes.learn(LinkState("n2", 1, 1, (("n1", 1), ("n3", 1))))
        >>> _ = routes.learn(LinkState("n3", 1, 1, (("n2", 1),)))
        >>> routes.compute()
        {'n2': 'n2', 'n3': 'n2'}
    """

    def __init__(self, name: str, incarnation: int) -> None:
        self._name = name
        self.states: dict[str, LinkState] = {name: LinkState(name, incarnation, 1, ())}

    def set_neighbours(self, neighbours: list[tuple[str, int]]) -> LinkState | None:
        """Note which own links are up; return the new state to flood, ``None`` for no change."""
        old = self.states[self._name]
        wanted = tuple(sorted(neighbours))
        if wanted == old.neighbours:
            return None
        new = LinkState(self._name, old.incarnation, old.sequence + 1, wanted)
        self.states[self._name] = new
        return new

    def learn(self, state: LinkState) -> bool:
        """Take in another node's state; return whether it was news, to be flooded on."""
        if state.node == self._name or not state.newer_than(self.states.get(state.node)):
            return False
        self.states[state.node] = state
        return True

    def forget_before(self, name: str, incarnation: int) -> None:
        """Drop the state of an earlier incarnation of `name`."""
        state = self.states.get(name)
        if state is not None and state.incarnation < incarnation:
            del self.states[name]

    def compute(self) -> dict[str, str]:
        """Return the nodes that can be reached, each with the neighbour that leads there."""
        ways: dict[str, str] = {}
        waiting = deque([self._name])
        seen = {self._name}
        while waiting:
            here = waiting.popleft()
            end = (here, self.states[here].incarnation)
            for peer, incarnation in self.states[here].neighbours:
                state = self.states.get(peer)
                # A link counts when both ends say so.
                if (
                    peer not in seen
                    and state is not None
                    and state.incarnation == incarnation
                    and end in state.neighbours
                ):
                    seen.add(peer)
                    ways[peer] = ways.get(here, peer)
                    waiting.append(peer)
        return ways

    def incarnation(self, name: str) -> int:
        """Return the incarnation of a node that is in the table."""
        return self.states[name].incarnation
