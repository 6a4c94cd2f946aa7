"""What carries a simulated node's messages: the surface of the socket transport, without sockets.

Cuts, faults on links, ways over other nodes and their rules are the same code as on sockets. What
differs is below: a connection is a pair of ends in one process, and a link that falls silent is
noticed by its timetable and not by counting heartbeats that do not come.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from resilkit.network.cuts import Cuts
from resilkit.network.forwarding import Forwarder
from resilkit.network.handshake import Hello, checked
from resilkit.network.linkfaults import LinkFaults
from resilkit.runtime.meeting import is_blank, meet
from resilkit.runtime.node import Node
from resilkit.simulation.joining import link_between
from resilkit.simulation.link import LOST, SimulatedLink, State, WireCounters
from resilkit.simulation.receiving import Receiving

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Iterable, Mapping

    from resilkit.network.shaping import Shaper
    from resilkit.runtime.ports import Receiver
    from resilkit.runtime.reference import Reference
    from resilkit.simulation.network import Network
    from resilkit.simulation.place import Place

__all__ = ["SimulatedTransport"]

Message = tuple[Any, ...]

_FEW = 64
"""Nodes of a cluster whose links are all counted, whether something goes over them or not."""


class SimulatedTransport(Receiving):
    """Carries messages between the nodes of one simulation.

    Args:
        network: What all nodes of the simulation are on.
        place: Where this node is.
        name: Its name.
        incarnation: How often it was started.
        role: ``"member"`` or ``"client"``.
        receiver: Who gets the messages.
        members: The names of all nodes.
        edges: The links of the topology, or those of this node.
        rng: Where the chance of link faults comes from.
        detect_after: Seconds without a sign of life after which a link is down.
        classify: Names the kind of a message for faults.
        bind: What references that arrive become here; plain ones when left out.
    """

    def __init__(
        self,
        network: Network,
        place: Place,
        name: str,
        incarnation: int,
        *,
        role: str,
        receiver: Receiver,
        members: Collection[str],
        edges: Iterable[tuple[str, str]],
        rng: random.Random,
        detect_after: float,
        classify: Callable[[Message], str],
        bind: Callable[[Any, float | None], Reference] | None = None,
    ) -> None:
        self.hello = checked(Hello(name, incarnation, role))
        self.name = name
        self.network = network
        self.place = place
        self.receiver = receiver
        self.detect_after = detect_after
        self._bind = bind
        self.member = role == "member"
        self._members = dict.fromkeys(members)
        self.near: dict[str, None] = {}
        self.complete = False
        self._set_near(edges)
        self.links_by_peer: dict[str, SimulatedLink] = {}
        self.coming: dict[str, SimulatedLink] = {}
        self.latent: dict[str, SimulatedTransport] = {}
        self.counters: dict[str, WireCounters] = {}
        self.direct: dict[str, SimulatedLink] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._dialled: dict[str, None] = {}
        self._closed = self._shaped = False
        self.cuts = Cuts()
        self.reachable: dict[str, int] = {}
        self.ways: dict[str, str] = {}
        self._faults = LinkFaults(self.hello, rng.getrandbits(63), classify, self._fault_failed)
        self._forwarder = Forwarder(self.hello, self.links_by_peer, self.cuts, self, receiver)  # type: ignore[arg-type]

    def _set_near(self, edges: Iterable[tuple[str, str]]) -> None:
        own = self.name
        near = {b if a == own else a for a, b in edges if own in (a, b)}
        self.near = dict.fromkeys(sorted(near))
        self.complete = len(self.near) >= len(self._members) - 1

    # Connections ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Be on the network: neighbours connect, and clients that dialled this node."""
        self.network.attach(self)

    async def wait_neighbours(self, timeout: float) -> None:
        """Return when every neighbour that runs is reached, or after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while any(
                    peer not in self.reachable
                    and self.network.runs(peer)
                    and not self.cuts.touches(peer)
                    for peer in self.near
                ):
                    await self.change()

    async def change(self) -> None:
        """Return when some connection has come or gone."""
        future = self.place.loop.create_future()
        self._waiting.append(future)
        await future

    def tell(self) -> None:
        """Wake those who wait for a change."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    @staticmethod
    def trouble(peer: str) -> str:
        """Return ``""``: nothing is ever wrong with a connection itself here."""
        del peer
        return ""

    # Links that are made when they are needed ----------------------------------------------------

    @property
    def joins(self) -> bool:
        """Whether it has nothing to find out about those that start at the same time."""
        return (
            self.member
            and not self._closed
            and self.complete
            and self.hello.incarnation == 1
            and not self.cuts.active
            and isinstance(self.receiver, Node)
            and is_blank(self.receiver)
        )

    def meet(self) -> None:
        """Tell the receiver whom it reaches: those that have started at the same time."""
        if isinstance(self.receiver, Node):
            meet(self.receiver, self.reachable)
        self.tell()

    def link_to(self, peer: str) -> SimulatedLink | None:
        """Return the link to a node, if they are connected."""
        link = self.links_by_peer.get(peer)
        if link is None and (other := self.latent.get(peer)) is not None:
            link = link_between(self, other)
        return link

    def all_links(self) -> list[SimulatedLink]:
        """Return every link."""
        for peer in list(self.latent):
            self.link_to(peer)
        return list(self.links_by_peer.values())

    def dial(self, peer: str) -> None:
        """Keep a connection to `peer`: connect whenever it is there."""
        self._dialled[peer] = None
        self.network.dial(self, peer)

    def wants(self, peer: str) -> bool:
        """Whether this end keeps a connection to `peer`."""
        return peer in self._dialled or peer in self.near

    def hang_up(self, peer: str) -> None:
        """Stop keeping a connection to `peer`, and end the one that is there."""
        self._dialled.pop(peer, None)
        link = self.links_by_peer.get(peer)
        if link is not None:
            link.say(LOST)
            self.lose(link)

    async def close(self) -> None:
        """Leave the network."""
        if not self._closed:
            self.leave()
            self.receiver.routes_changed()

    def leave(self) -> None:
        """Be off the network at once: what was sent before still arrives, then the others know."""
        self._closed = True
        self.network.detach(self)
        if not self.network.over:  # else nobody is left who could hear of it
            for link in [*self.all_links(), *self.coming.values()]:
                link.say(LOST)
                link.end()
        self.links_by_peer.clear()
        self.coming.clear()
        self.direct.clear()
        self.latent.clear()

    def adopt(self, link: SimulatedLink) -> None:
        """Take a new connection into use."""
        peer = link.peer
        held = self.links_by_peer.get(peer.name)
        self.links_by_peer[peer.name] = link
        if held is not None:
            held.end()  # of an earlier incarnation
            link.up = held.up  # until it is looked at: what changes then is news
            if not self.is_link(peer):
                self._client_down(held.peer)
        if self.is_link(peer):
            if self.cuts.active:
                self.network.deafness_changed(self)
            link.usable = self.counts(link)
            self.look(link)
        else:
            # Whoever hears of it tells the peer something at once.
            self.direct[peer.name] = link
            self._client_up(peer)
        self.tell()

    def lose(self, link: SimulatedLink) -> None:
        """Let go of a connection that has ended."""
        peer = link.peer
        link.end()
        if self.links_by_peer.get(peer.name) is not link:
            return  # another one took its place
        del self.links_by_peer[peer.name]
        self.direct.pop(peer.name, None)
        if self.is_link(peer):
            self.set_usable(link, usable=False)
        else:
            self._client_down(peer)
        self.receiver.routes_changed()
        self.tell()

    def _client_up(self, peer: Hello) -> None:
        if peer.role == "member":
            held = self.reachable.get(peer.name)
            if held is not None and held != peer.incarnation:
                self.receiver.peer_down(peer.name, held)
            self.reachable[peer.name] = peer.incarnation
        self.receiver.routes_changed()
        self.receiver.peer_up(peer.name, peer.incarnation, peer.role)

    def _client_down(self, peer: Hello) -> None:
        if self.reachable.get(peer.name) == peer.incarnation and not self.member:
            del self.reachable[peer.name]
        self.receiver.routes_changed()
        self.receiver.peer_down(peer.name, peer.incarnation)

    # Sending and receiving -----------------------------------------------------------------------

    def send(self, node: str, message: Message) -> bool:
        """Send in order; return ``False`` when `node` cannot be reached now."""
        link = self.direct.get(node)
        if link is None and node in self.latent:
            link = self.link_to(node)
        return link.send(message) if link is not None else self._forwarder.send(node, message)

    def straight(self, node: str) -> Callable[[Message], bool] | None:
        """Return what takes messages for `node` until the receiver hears `routes_changed`."""
        link = self.direct.get(node)
        if link is None and node in self.latent:
            link = self.link_to(node)
        return None if link is None else link.send

    def flush(self) -> None:
        """Do nothing: what is sent is on its way at once."""

    # Cuts and faults -----------------------------------------------------------------------------

    def cut(self, peers: Iterable[str], direction: str = "both") -> None:
        """Cut this node from `peers`, on their links and on all detours."""
        for peer in peers:
            link = self.link_to(peer)
            self.cuts.cut(peer, direction)
            if link is not None:
                if direction != "in":
                    link.drop_waiting()
                self.network.hearing_changed(link)
                self.link_changed(link)
                self.look(link)
        self.network.deafness_changed(self)
        self.network.refresh_now(self)

    def mend(self, peers: Iterable[str]) -> None:
        """Take cuts back."""
        for peer in peers:
            link = self.link_to(peer)
            if link is not None and not self.counts(link):
                # As on sockets: up when the other end has said something. What it had said before
                # would bring the link up, and down again by what it has said since.
                link.confirmed = link.far_usable = False
            self.cuts.mend(peer)
            if link is not None:
                self.network.hearing_changed(link)
                link.hears = link.hears_us = True
                self.still_silent(link)
                self.link_changed(link)
                link.say(State(usable=link.usable, want=True))
        self.network.deafness_changed(self)
        self.network.refresh_now(self)

    def install(self, fault_id: str, fault: Any, peers: Iterable[str] | None = None) -> None:
        """Put a fault on the links to `peers` (``None``: all), in the sending direction."""
        self._faults.install(fault_id, fault, peers)
        self._shaped = True
        for link in self.links_by_peer.values():
            if link.shaper is None:
                link.shaper = self._faults.shaper(link.peer)

    def remove(self, fault_id: str) -> int:
        """Take a fault off; return how many messages it touched. Unknown is no error."""
        return self._faults.remove(fault_id)

    def shaper_now(self, peer: Hello) -> Shaper | None:
        """Return what asks the faults on the link to `peer`, once there has been any."""
        return self._faults.shaper(peer) if self._shaped else None

    def counters_for(self, peer: str) -> WireCounters:
        """Return the counters of the link to `peer`: they outlive a connection."""
        counters = self.counters.get(peer)
        if counters is None:
            counters = self.counters[peer] = WireCounters(peer)
        return counters

    def _fault_failed(self, fault_id: str, why: str, failures: int) -> None:
        self.receiver.emit("alert", "fault_failed", "", id=fault_id, why=why, failures=failures)

    # What others ask -----------------------------------------------------------------------------

    def peers(self) -> Mapping[str, int]:
        """Return the members that can be reached now, with their incarnations."""
        return self.reachable

    def members(self) -> Collection[str]:
        """Return the names of all nodes of the cluster."""
        return self._members

    def set_members(self, members: Collection[str], edges: Iterable[tuple[str, str]]) -> None:
        """Learn the nodes and links anew; new neighbours connect."""
        self._members = dict.fromkeys(members)
        before = self.near
        self._set_near(edges)
        if self.member:
            for peer in self.near:
                if peer not in before:
                    self.network.dial(self, peer)
            for link in self.all_links() if self.near != before else ():
                if self.is_link(link.peer):
                    self.link_changed(link)
            self.network.neighbours_changed(self)
            if not self.complete:
                self.network.changed()

    def links(self) -> list[WireCounters]:
        """Return the counters of the links to other members, by name.

        In a large cluster not of those that have never carried a message.
        """
        if len(self._members) <= _FEW:
            for peer in self.latent:
                self.counters_for(peer)
        return [self.counters[peer] for peer in sorted(self.counters) if peer in self._members]
