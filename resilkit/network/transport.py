"""The socket transport: links to neighbours, routes to everybody, cuts and faults on links.

Messages between neighbours keep their order: they take the link or are lost. Those to nodes further
off keep theirs as long as their way stays the same: when a node on it comes or goes, one that takes
the new way may overtake those that are still on the old one.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from resilkit.errors import InvalidArgument
from resilkit.network.connecting import Connector
from resilkit.network.cuts import Cuts
from resilkit.network.forwarding import Forwarder
from resilkit.network.framing import DATA, FORWARD, HEARTBEAT, STATES
from resilkit.network.handshake import Hello, checked
from resilkit.network.link import Link, LinkCounters
from resilkit.network.linkfaults import LinkFaults
from resilkit.network.membership import Membership
from resilkit.network.signs import SignsOfLife
from resilkit.runtime.reference import binding

if TYPE_CHECKING:
    import random
    import socket
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from resilkit.runtime.ports import Receiver
    from resilkit.runtime.reference import Reference

__all__ = ["SocketTransport"]

Message = tuple[Any, ...]
_LINGER = 0.5
"""Seconds that closing waits for peers to take what was sent to them."""
MOST_WAITING_BYTES = 64 * 1024 * 1024
"""What may wait for a peer that does not read, before messages to it are lost."""


class SocketTransport:
    """Carries messages between processes of one machine.

    Members have links along the edges of the topology and route other messages over them. Clients
    (a notebook, a load generator) connect straight to every member and take no part in routing,
    membership or faults.

    Args:
        name: This end's name.
        incarnation: How often it was started.
        role: ``"member"`` or ``"client"``.
        cookie: The cluster's secret.
        folder: Where the sockets are.
        receiver: Who gets the messages.
        members: The names of all nodes.
        edges: The links of the topology.
        rng: Where the chance of link faults comes from.
        detect_after: Seconds without a sign of life after which a link is down.
        classify: Names the kind of a message for faults.
        listens: Whether others can dial it; when left out, members do and clients do not.
        bind: What references that arrive become here; plain ones when left out.
    """

    def __init__(
        self,
        name: str,
        incarnation: int,
        *,
        role: str,
        cookie: bytes,
        folder: Path,
        receiver: Receiver,
        members: Collection[str],
        edges: Iterable[tuple[str, str]],
        rng: random.Random,
        detect_after: float,
        classify: Callable[[Message], str],
        listens: bool | None = None,
        bind: Callable[[Any, float | None], Reference] | None = None,
    ) -> None:
        self.hello = checked(Hello(name, incarnation, role))
        if not cookie:
            raise InvalidArgument("is empty: everybody has that one", path="cookie")
        self._receiver = receiver
        self._bind = bind
        self._listens = role == "member" if listens is None else listens
        self._members = list(members)
        self._edges = list(edges)
        self._loop = asyncio.get_running_loop()
        self._links: dict[str, Link] = {}
        self._counters: dict[str, LinkCounters] = {}
        self._faults = LinkFaults(self.hello, rng.getrandbits(63), classify, self._fault_failed)
        self._direct: dict[str, Link] = {}
        self._near = frozenset(self._neighbours())
        self._beating: asyncio.Task[None] | None = None
        self._closed = False
        self._connector = Connector(
            self.hello, cookie=cookie, folder=folder, rng=rng, held=self._held, adopt=self._adopt
        )
        self.change, self.trouble = self._connector.change, self._connector.trouble
        self.cuts = Cuts()
        self._life = SignsOfLife(
            self._links, self.cuts, detect_after, self._links_changed, self._ask
        )
        self.membership = Membership(self.hello, receiver, self._flood, self._aim, self._parted)
        self._forwarder = Forwarder(self.hello, self._links, self.cuts, self.membership, receiver)

    async def start(self) -> None:
        """Listen, and begin to dial the neighbours."""
        if self._listens:
            self._connector.listen()
        if self.hello.role == "member":
            self._beating = self._loop.create_task(self._life.beat())
            for peer in self._neighbours():
                # The smaller name dials; a node that comes back dials all, to be back sooner.
                if self.hello.name < peer or self.hello.incarnation > 1:
                    self.dial(peer)

    def _neighbours(self) -> list[str]:
        own = self.hello.name
        return sorted({b if a == own else a for a, b in self._edges if own in (a, b)})

    async def wait_neighbours(self, timeout: float) -> None:
        """Return when every neighbour that listens is reached, or after `timeout` seconds.

        One whose link is cut is not waited for.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while any(
                    peer not in self.membership.reachable
                    and not self._connector.refused(peer)
                    and not self.cuts.touches(peer)
                    for peer in self._neighbours()
                ):
                    await self._connector.change()

    async def close(self) -> None:
        """End every connection and task; nothing is left."""
        if self._closed:
            return
        self._closed = True
        await self._connector.close()
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        links = list(self._links.values())
        for link in links:
            link.flush()
            link.close()
        await asyncio.gather(*(link.closed(_LINGER) for link in links))
        self._links.clear()
        self._direct.clear()
        self._receiver.routes_changed()

    def dial(self, peer: str) -> None:
        """Keep a connection to `peer`: connect, and connect again when it is lost."""
        self._connector.dial(peer)

    def hang_up(self, peer: str) -> None:
        """Stop keeping a connection to `peer`, and end the one that is there."""
        self._connector.hang_up(peer)
        if peer in self._links:
            self._links[peer].close()

    def _held(self, name: str) -> Hello | None:
        link = self._links.get(name)
        return None if link is None else link.peer

    async def _adopt(self, sock: socket.socket, peer: Hello) -> None:
        """Make a proven connection the link to `peer`."""
        held = self._links.get(peer.name)
        link = Link(
            self._loop,
            self.hello,
            peer,
            shaper=self._faults.shaper(peer),
            counters=self._counters.setdefault(peer.name, LinkCounters(peer.name)),
            most=MOST_WAITING_BYTES,
            on_frame=self._on_frame,
            on_lost=self._on_lost,
            on_drained=self._on_drained,
            refused=self._receiver.on_unsendable,
        )
        self._links[peer.name] = link
        if held is not None:
            held.close()  # of an earlier incarnation
            if not self._is_link(peer):
                self.membership.client_down(held.peer)
        if not self._is_link(peer):
            # Before anything is read: the receiver hears of a peer ahead of its messages. What it
            # sends now waits in the link.
            self.membership.client_up(peer)
        try:
            await self._loop.connect_accepted_socket(lambda: link.protocol, sock)
        except BaseException:
            link.protocol.abandon()
            self._on_lost(link)
            raise
        self._connector.note(peer.name, "connected")
        self.membership.forget_before(peer)
        self._links_changed()
        if self._is_link(peer) and not self.cuts.silent(peer.name):
            link.write(STATES, self.membership.everything(want=True))

    def _on_lost(self, link: Link) -> None:
        name = link.peer.name
        link.shaper.clear()
        if self._links.get(name) is not link or self._closed:
            return  # a better connection took its place
        del self._links[name]
        if not self._is_link(link.peer):
            self.membership.client_down(link.peer)
        self._links_changed()
        self._connector.lost(name)

    def _on_drained(self, link: Link, lost: int) -> None:
        peer = link.peer
        self._receiver.emit("alert", "lost_messages", peer.name, lost=lost)
        if peer.role == "client" and self._links.get(peer.name) is link:
            # Names are told to it once: what it has missed of them it gets now.
            self._receiver.peer_up(peer.name, peer.incarnation, peer.role)

    def send(self, node: str, message: Message) -> bool:
        """Send in order; return ``False`` when `node` cannot be reached now."""
        link = self._direct.get(node)
        return link.send(message) if link is not None else self._forwarder.send(node, message)

    def straight(self, node: str) -> Callable[[Message], bool] | None:
        """Return what takes messages for `node` until the receiver hears `routes_changed`."""
        link = self._direct.get(node)
        return None if link is None else link.send

    def _is_link(self, peer: Hello) -> bool:
        """Whether a connection to `peer` is a link of the topology, between two members.

        All others (a client's to a member, a notebook's to its load generator) just are.
        """
        return peer.role == "member" and self.hello.role == "member"

    def _aim(self) -> None:
        """Note to whom messages go straight, and wake those who wait for a change.

        That is all whose link is up, and not cut on the way out.
        """
        reachable = self.membership.reachable
        self._direct = {
            name: link
            for name, link in self._links.items()
            if not self._is_link(link.peer)
            or (
                reachable.get(name) == link.peer.incarnation
                and self._life.usable(link)
                and not self.cuts.loses(name, "out")
            )
        }
        self._receiver.routes_changed()
        self._connector.tell()

    def _parted(self, name: str, way: str) -> bool:
        """Whether this node is kept from `name`, though a way leads there over `way`.

        A cut means the pair, whatever detour there is. And a neighbour is reached over its link or
        not at all: a detour for the moment until the link is back would change the order of what
        is sent before and after.
        """
        return self.cuts.silent(name) or (name in self._near and way != name)

    def flush(self) -> None:
        """Write now what this turn of the loop has sent so far."""
        for link in self._links.values():
            link.flush_if_waiting()

    def _on_frame(self, link: Link, kind: int, body: memoryview) -> None:
        peer = link.peer
        if kind in (DATA, FORWARD):
            self._on_messages(link, kind, body)
            return
        if self.cuts.active and self.cuts.loses(peer.name, "in"):
            return
        if kind == STATES:
            own, answer = self.membership.learn(bytes(body), peer.name)
            if answer is not None:
                link.write(STATES, answer)
            self._life.told(link, own=own)  # when it is learned
        elif kind == HEARTBEAT:
            self._life.answered(link, hears_us=bytes(body) == b"\1")

    def _on_messages(self, link: Link, kind: int, body: memoryview) -> None:
        peer = link.peer
        if self._bind is not None:
            binding.make = self._bind
        try:
            messages, errors = link.decode(body)
        finally:
            if self._bind is not None:
                del binding.make
        # Decoded all the same where it is lost: it may define classes that later messages name.
        lost = self.cuts.active and self.cuts.loses(peer.name, "in")
        if not lost:
            self._take(link, kind, messages)
        for error, rest in errors:
            self._unreadable(peer.name, kind, error, None if lost else rest)
        if lost:
            return
        # What the messages made this node send goes now, all in one frame a link, not a turn
        # of the loop later.
        self.flush()

    def _take(self, link: Link, kind: int, messages: list[Any]) -> None:
        peer = link.peer
        self._life.heard(link)
        if kind != DATA:
            self._forwarder.take(link, messages)
        elif self._is_link(peer) and not self.membership.known(peer.name, peer.incarnation):
            link.counters.drops += len(messages)
        else:
            self._receiver.deliver(peer.name, peer.incarnation, messages)

    def _unreadable(self, source: str, kind: int, error: BaseException, rest: Any) -> None:
        """Tell of what could not be read, and of whose message it was if that can be seen."""
        if isinstance(rest, tuple) and kind == FORWARD:
            # Only at its end: what is on its way is for others to wait for.
            source, rest = (rest[0], rest[-1]) if rest[2] == self.hello.name else (source, None)
        self._receiver.on_undecodable(source, error, rest if isinstance(rest, tuple) else ())

    def _fault_failed(self, fault_id: str, why: str, failures: int) -> None:
        self._receiver.emit("alert", "fault_failed", "", id=fault_id, why=why, failures=failures)

    def _links_changed(self) -> None:
        if self.hello.role == "member":
            near = (self._links[name] for name in self._near if name in self._links)
            up = [one.peer for one in near if self._is_link(one.peer) and self._life.usable(one)]
            self.membership.set_neighbours(up)
        self._aim()

    def _ask(self, link: Link) -> None:
        link.write(STATES, self.membership.everything(want=True))

    def _flood(self, states: bytes, but: str | None) -> None:
        for name, link in self._links.items():
            if name != but and link.peer.role == "member" and not self.cuts.loses(name, "out"):
                link.write(STATES, states)

    def peers(self) -> Mapping[str, int]:
        """Return the members that can be reached now, with their incarnations."""
        return self.membership.reachable

    def members(self) -> Collection[str]:
        """Return the names of all nodes of the cluster."""
        return self._members

    def set_members(self, members: Collection[str], edges: Iterable[tuple[str, str]]) -> None:
        """Learn the nodes and links anew; new neighbours are dialled."""
        self._members, self._edges = list(members), [tuple(edge) for edge in edges]  # type: ignore[misc]
        self._near = frozenset(self._neighbours())
        self._links_changed()
        if self.hello.role == "member":
            for peer in self._neighbours():
                if self.hello.name < peer:
                    self.dial(peer)

    def cut(self, peers: Iterable[str], direction: str = "both") -> None:
        """Cut this node from `peers`, on their links and on all detours.

        ``"both"`` ends know at once that the other is down. One way (``"out"`` or ``"in"`` as seen
        from here) messages vanish, and neighbours find out by missing signs of life.
        """
        for peer in peers:
            self.cuts.cut(peer, direction)
            if direction != "in" and peer in self._links:
                self._links[peer].drop_waiting()
        self._links_changed()
        self.membership.recompute()

    def mend(self, peers: Iterable[str]) -> None:
        """Take cuts back."""
        for peer in peers:
            link = self._links.get(peer)
            counted = link is not None and self._life.usable(link)
            self.cuts.mend(peer)
            if link is not None:
                # What was flooded meanwhile was lost here; and the other end may still be cut.
                self._life.doubt(link, counted=counted)
        self.membership.recompute()

    def install(self, fault_id: str, fault: Any, peers: Iterable[str] | None = None) -> None:
        """Put a fault on the links to `peers` (``None``: all), in the sending direction."""
        self._faults.install(fault_id, fault, peers)

    def remove(self, fault_id: str) -> int:
        """Take a fault off; return how many messages it touched. Unknown is no error."""
        return self._faults.remove(fault_id)

    def links(self) -> list[LinkCounters]:
        """Return the counters of the links to other members, by name."""
        return [self._counters[peer] for peer in sorted(self._counters) if peer in self._members]
