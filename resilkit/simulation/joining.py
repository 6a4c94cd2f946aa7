"""Nodes that start together are connected together, and their links are made when they are used.

Of a mesh of n nodes each pair has a link, which a simulation would have to make and to keep: a
million ends for a thousand nodes, most of which never carry a message. Before the first server of a
cluster starts, in which order its nodes found each other has no consequence that anybody could see.
So nodes that start at one time reach each other from one instant on, and each of their links is
made when something is first sent over it, cut, or counted. Whoever comes later, or comes back, is
connected one by one, with all that may happen in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from resilkit.simulation.link import SimulatedLink
from resilkit.simulation.place import Place

if TYPE_CHECKING:
    from resilkit.simulation.network import Network
    from resilkit.simulation.transport import SimulatedTransport

__all__ = ["Joining", "link_between"]

_QUIET: Final = 0.001
"""Seconds without another one after which those that have started are connected."""
_LONGEST: Final = 0.02
"""Seconds after which they are, however many follow."""


class Joining:
    """Those of a network that have started and are to be connected together.

    Args:
        network: The network.
    """

    __slots__ = ("_began", "_due", "_network", "_nodes", "place")

    def __init__(self, network: Network) -> None:
        self._network = network
        self._nodes: dict[str, SimulatedTransport] = {}
        self._began = self._due = 0.0
        # Of nobody: it must not end with any of them.
        self.place = Place(network.scheduler, "")

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def add(self, node: SimulatedTransport) -> None:
        """Have a node connected with those that start at the same time."""
        scheduler = self._network.scheduler
        self._due = scheduler.now + _QUIET
        if not self._nodes:
            self._began = scheduler.now
            scheduler.at(self._due, self)
        self._nodes[node.name] = node

    def run(self, _: Any) -> None:
        """Connect them, when no more of them come."""
        scheduler = self._network.scheduler
        if scheduler.now < self._due and scheduler.now < self._began + _LONGEST:
            scheduler.at(self._due, self)
            return
        nodes, self._nodes = self._nodes, {}
        together = {
            name: node for name, node in nodes.items() if node.joins and not node.place.state
        }
        for node in list(together.values()):
            if not together.keys() - {node.name} <= node.near.keys():
                together = {}
                break
        self._one_by_one(nodes, together)
        _connect(together)

    def _one_by_one(
        self, nodes: dict[str, SimulatedTransport], together: dict[str, SimulatedTransport]
    ) -> None:
        names = list(nodes)
        for place, name in enumerate(names):
            if name in together and len(together) == len(nodes):
                return
            for other in names[:place]:
                if not (name in together and other in together):
                    self._network.connect_if_wanted(nodes[name], nodes[other])


def _connect(nodes: dict[str, SimulatedTransport]) -> None:
    """Have nodes reach each other from now on."""
    incarnations = {name: node.hello.incarnation for name, node in nodes.items()}
    ways = {name: name for name in nodes}
    for name, node in nodes.items():
        node.reachable.update(incarnations)
        node.ways.update(ways)
        node.latent.update(nodes)
        for known in (node.reachable, node.ways, node.latent):
            del known[name]
    for node in nodes.values():
        node.place.scheduler.be_at(node.place)
        node.meet()


def link_between(one: SimulatedTransport, other: SimulatedTransport) -> SimulatedLink:
    """Make the link of two nodes that have reached each other without one; return one's end."""
    ends = here, there = SimulatedLink(one, other.hello), SimulatedLink(other, one.hello)
    here.far, there.far = there, here
    for end in ends:
        end.usable = end.far_usable = end.up = True
        peer = end.peer.name
        end.transport.latent.pop(peer, None)
        end.transport.links_by_peer[peer] = end.transport.direct[peer] = end
    return here
