"""What all nodes of a simulation are on: who is there, which links are up, who hears whom."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from resilkit.rng import stream
from resilkit.simulation.joining import Joining
from resilkit.simulation.link import Adopted, SimulatedLink
from resilkit.simulation.place import DEAD, PAUSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.simulation.reaching import Reaching
    from resilkit.simulation.recording import Recorder
    from resilkit.simulation.scheduler import Scheduler
    from resilkit.simulation.transport import SimulatedTransport

__all__ = ["Network"]

_SPREADING = 0.002
"""Seconds in which all have heard that a link went up or down, where messages go over others."""


class Network:
    """The wires of one simulation.

    Where the topology is not complete, who reaches whom follows from all links that are up. On
    sockets each node works that out from what the others flood; here from what this one knows, at
    a moment of its own, soon after.

    Args:
        scheduler: Whose time it is.
        seed: Where its chance comes from.

    Attributes:
        over: Set when all of its nodes end at once.
    """

    def __init__(self, scheduler: Scheduler, seed: int) -> None:
        self.scheduler = scheduler
        self.over = False
        self.chance: Callable[[], float] = stream(seed, "network").random
        self.recorder: Recorder | None = None
        self._ends: dict[str, SimulatedTransport] = {}
        self._due: dict[str, SimulatedTransport] = {}
        # Those that reach somebody over others: of them alone somebody's links are news.
        self._looking: dict[str, SimulatedTransport] = {}
        # Those that lose what some neighbour says of their link, which others may pass on.
        self._deaf: dict[str, SimulatedTransport] = {}
        self._joining = Joining(self)

    def record(self, source: str, target: str, message: Any) -> None:
        """Note a message that arrives, if somebody wants to know."""
        if self.recorder is not None:
            self.recorder.message(source, target, message)

    def label(self, name: str, number: int) -> str:
        """Return what people call the server that has a number on a node."""
        end = self._ends.get(name)
        process = getattr(end.receiver, "processes", {}).get(number) if end is not None else None
        return f"#{number}" if process is None else process.label

    def runs(self, name: str) -> bool:
        """Whether a node of that name is on the network."""
        return name in self._ends

    def sent_between_nodes(self) -> int:
        """Return how many messages nodes and clients have sent each other, but for their reports.

        It grows as long as those that are there send; one that goes takes its count along.
        """
        return sum(
            counters.messages
            for end in self._ends.values()
            for peer, counters in end.counters.items()
            if not peer.startswith("@")
        )

    # Connections ---------------------------------------------------------------------------------

    def attach(self, transport: SimulatedTransport) -> None:
        """Take a node in, and connect it to those that want it, or that it wants."""
        self._ends[transport.name] = transport
        self.neighbours_changed(transport)
        together = transport.joins
        for name, other in list(self._ends.items()):
            if other is not transport and not (together and name in self._joining):
                self.connect_if_wanted(transport, other)
        if together:
            self._joining.add(transport)

    def detach(self, transport: SimulatedTransport) -> None:
        """Strike a node out."""
        if self._ends.get(transport.name) is transport:
            del self._ends[transport.name]
            # Its look at who is reached is lost with it; the next of its name has one of its own.
            self._due.pop(transport.name, None)
            self._looking.pop(transport.name, None)
            self._deaf.pop(transport.name, None)

    def dial(self, transport: SimulatedTransport, peer: str) -> None:
        """Connect a node to another one, if that is there and they are not connected."""
        other = self._ends.get(peer)
        if other is not None and transport.name in self._ends:
            link = transport.link_to(peer)
            if link is None or link.peer.incarnation != other.hello.incarnation:
                self._connect(transport, other)

    def connect_if_wanted(self, one: SimulatedTransport, other: SimulatedTransport) -> None:
        """Connect two nodes if one of them keeps connections to the other."""
        if one.wants(other.name) or other.wants(one.name):
            self._connect(one, other)

    def _connect(self, one: SimulatedTransport, other: SimulatedTransport) -> None:
        scheduler = self.scheduler
        due = scheduler.now + scheduler.travel(one.name, other.name)
        scheduler.at(due, _Meeting(self, one, other))

    def meet(self, one: SimulatedTransport, other: SimulatedTransport) -> None:
        """Make the connection: at the other end now, at the first one when the answer is there.

        Who has dialled says so by that: its end counts, as far as can be seen from here.
        """
        if not (self._is_there(one) and self._is_there(other)):
            return
        held = other.link_to(one.name)
        if held is not None and not held.closed and held.peer.incarnation == one.hello.incarnation:
            return  # both had dialled
        here, there = SimulatedLink(other, one.hello), SimulatedLink(one, other.hello)
        here.far, there.far = there, here
        one.coming[other.name] = there
        here.far_usable = taken = not one.place.state and one.counts(there)
        # Ahead of what its receiver says when it hears of the other.
        here.say(Adopted(usable=other.counts(here), taken=taken))
        other.adopt(here)
        self.listen(here)

    def _is_there(self, transport: Reaching) -> bool:
        return self._ends.get(transport.name) is transport

    # Links between members -----------------------------------------------------------------------

    def neighbours_changed(self, transport: SimulatedTransport) -> None:
        """Note whether a node has to look who is reached."""
        if transport.member and not transport.complete and self._is_there(transport):
            self._looking[transport.name] = transport
        else:
            self._looking.pop(transport.name, None)

    def changed(self) -> None:
        """See to it that all who may be concerned look again at who is reached."""
        for name, end in self._looking.items():
            if name not in self._due:
                self._due[name] = end
                delay = _SPREADING * self.chance()
                end.place.loop.call_at(self.scheduler.now + delay, self._refresh, end)
        for end in self._deaf.values():
            delay = _SPREADING * self.chance()
            end.place.loop.call_at(self.scheduler.now + delay, end.look_at_deaf_links)

    def deafness_changed(self, transport: SimulatedTransport) -> None:
        """Note whether a node loses what neighbours say to it, but not what it says to them."""
        if transport.deaf_links():
            self._deaf[transport.name] = transport
        else:
            self._deaf.pop(transport.name, None)

    def passes_on(self, source: str, target: str) -> bool:
        """Whether others pass on to one node what another one says of its links."""
        end = self._ends.get(target)
        return end is not None and source in self._ways(end, without=source)

    def _refresh(self, transport: Reaching) -> None:
        self._due.pop(transport.name, None)
        self.refresh_now(transport)

    def refresh_now(self, transport: Reaching) -> None:
        """Let a node look at who is reached."""
        if transport.complete or not transport.member or not self._is_there(transport):
            return
        ways = self._ways(transport)
        ends = self._ends
        transport.reach(ways, {name: ends[name].hello.incarnation for name in ways})

    def _ways(self, transport: Reaching, without: str = "") -> dict[str, str]:
        """Return the nodes that can be reached, each with the neighbour that leads there.

        A link counts when both ends say so. Breadth first, neighbours in the order of their names,
        as in `resilkit.network.routing`.

        Args:
            transport: Whose ways these are.
            without: A neighbour over whose link none of them leads.
        """
        own = transport.name
        ends = self._ends
        ways: dict[str, str] = {}
        seen = {own: None}
        waiting = deque([own])
        while waiting:
            here = waiting.popleft()
            end = ends[here]
            ups = [name for name, link in end.links_by_peer.items() if link.up]
            for peer in sorted([*ups, *end.latent]):
                if here == own and peer == without:
                    continue
                if peer not in seen and peer in ends and self._is_up(peer, here):
                    seen[peer] = None
                    ways[peer] = ways.get(here, peer)
                    waiting.append(peer)
        return ways

    def _is_up(self, name: str, peer: str) -> bool:
        end = self._ends[name]
        link = end.links_by_peer.get(peer)
        return peer in end.latent if link is None else link.up

    # Silence -------------------------------------------------------------------------------------

    def hearing_changed(self, link: SimulatedLink) -> None:
        """Look again at both directions of a connection: something was cut or mended there."""
        for end in (link, link.far):
            self.listen(end)

    def listen(self, link: SimulatedLink) -> None:
        """Tell one end whether anything can come to it."""
        transport, far = link.transport, link.far
        if not transport.is_link(link.peer) or link.closed:
            return
        silent = (
            bool(far.place.state & (PAUSED | DEAD))
            or transport.cuts.loses(link.peer.name, "in")
            or far.transport.cuts.loses(transport.name, "out")
        )
        if silent:
            transport.fell_silent(link)
        elif not transport.place.state & (PAUSED | DEAD):  # else it hears when it goes on
            transport.sounds_again(link)

    def pausing_changed(self, transport: SimulatedTransport) -> None:
        """Let the neighbours of a node notice that it says nothing any more, or does again."""
        for link in [*transport.all_links(), *transport.coming.values()]:
            self.hearing_changed(link)


class _Meeting:
    """A connection that is being made."""

    __slots__ = ("network", "one", "other", "place")

    def __init__(
        self, network: Network, one: SimulatedTransport, other: SimulatedTransport
    ) -> None:
        self.network = network
        self.one = one
        self.other = other
        self.place = other.place

    def run(self, _: Any) -> None:
        self.network.meet(self.one, self.other)
