"""Whom one simulated node reaches: links that count, silence that is noticed, ways that change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.simulation.link import BEAT, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resilkit.network.cuts import Cuts
    from resilkit.network.handshake import Hello
    from resilkit.runtime.ports import Receiver
    from resilkit.simulation.link import SimulatedLink
    from resilkit.simulation.network import Network
    from resilkit.simulation.place import Place
    from resilkit.simulation.transport import SimulatedTransport

__all__ = ["Reaching"]


class Reaching:
    """The part of `SimulatedTransport` that decides who is reached, and tells the receiver.

    Attributes:
        name: This node's name.
        member: Whether it is a member, not a client.
        near: The names of its neighbours in the topology, in order.
        complete: Whether all members are neighbours, so that each link decides about one of them.
        links_by_peer: Its connections.
        coming: Its ends of those that the other end has made, and that it has yet to hear of.
        latent: Those whom it reaches over links that have yet to be made; see `joining`.
        direct: Those over which messages go straight to the peer.
        reachable: Who is reached, with their incarnations.
        ways: The nodes to which some way leads, each with the neighbour that it leads over.
        cuts: From whom it is cut.
    """

    name: str
    member: bool
    network: Network
    place: Place
    receiver: Receiver
    detect_after: float
    near: dict[str, None]
    complete: bool
    links_by_peer: dict[str, SimulatedLink]
    coming: dict[str, SimulatedLink]
    latent: dict[str, SimulatedTransport]
    direct: dict[str, SimulatedLink]
    reachable: dict[str, int]
    ways: dict[str, str]
    cuts: Cuts

    def tell(self) -> None:
        """Wake those who wait for a change."""
        raise NotImplementedError

    def is_link(self, peer: Hello) -> bool:
        """Whether a connection to `peer` is a link of the topology, between two members."""
        return self.member and peer.role == "member"

    # Who is reached ------------------------------------------------------------------------------

    def known(self, name: str, incarnation: int) -> bool:
        """Whether a member counts as up; see `resilkit.network.membership`."""
        return self.reachable.get(name) == incarnation

    def counts(self, link: SimulatedLink) -> bool:
        """Whether a link counts as up at this end."""
        return (
            not link.closed
            and link.confirmed
            and link.hears
            and link.hears_us
            and not self.cuts.silent(link.peer.name)
            and link.peer.name in self.near
        )

    def link_changed(self, link: SimulatedLink) -> None:
        """See whether a link counts as up at this end, and tell the other end if that is news."""
        usable = self.counts(link)
        if usable != link.usable:
            self.set_usable(link, usable=usable)
            if not link.closed and not self.cuts.loses(link.peer.name, "out"):
                link.say(State(usable=usable, want=False))

    def set_usable(self, link: SimulatedLink, *, usable: bool) -> None:
        """Note whether a link counts as up at this end."""
        link.usable = usable
        if not usable and link.closed:
            link.far_usable = False
        self.look(link)

    def look(self, link: SimulatedLink) -> None:
        """See whether the link counts now, and who is reached by that."""
        self._hear_of(link)
        up = link.usable and link.far_usable
        if up != link.up:
            link.up = up
            self.network.changed()
            # Of its own links a node knows at once; it must not send over one that is gone.
            self.network.refresh_now(self)
        if not self.complete or not self._look_at_pair(link, up=up):
            self._aim(link)

    def _hear_of(self, link: SimulatedLink) -> None:
        """Take in what the other end says of a link that does not carry it: others pass it on."""
        if self.cuts.active and self._is_deaf_to(link) and not link.closed:
            name = link.peer.name
            if self.network.passes_on(name, self.name):
                link.far_usable = link.far.usable

    def _is_deaf_to(self, link: SimulatedLink) -> bool:
        peer = link.peer
        cuts = self.cuts
        return self.is_link(peer) and cuts.loses(peer.name, "in") and not cuts.silent(peer.name)

    def deaf_links(self) -> list[SimulatedLink]:
        """Return the links that lose what comes, and nothing that goes."""
        return [link for link in self.links_by_peer.values() if self._is_deaf_to(link)]

    def look_at_deaf_links(self) -> None:
        """See whether these count now."""
        for link in self.deaf_links():
            self.look(link)

    def _look_at_pair(self, link: SimulatedLink, *, up: bool) -> bool:
        """Where every node is a neighbour, one link decides about one node: is that news?"""
        peer = link.peer
        before = self.reachable.get(peer.name)
        now = peer.incarnation if up else None
        if before == now:
            return False
        if now is None:
            if before != peer.incarnation:
                return False
            del self.reachable[peer.name]
            self.ways.pop(peer.name, None)
        else:
            self.reachable[peer.name] = now
            self.ways[peer.name] = peer.name
        self._aim(link)
        if before is not None:
            self.receiver.peer_down(peer.name, before)
        if now is not None:
            self.receiver.peer_up(peer.name, now, "member")
        self.tell()
        return True

    def reach(self, ways: dict[str, str], incarnations: Mapping[str, int]) -> None:
        """Learn the ways anew, from the network that knows all links; tell who came and went."""
        self.ways = ways
        now = {
            name: incarnations[name]
            for name, way in ways.items()
            if not (self.cuts.silent(name) or (name in self.near and way != name))
        }
        before = self.reachable
        if now == before:
            return
        lost = [(name, inc) for name, inc in before.items() if now.get(name) != inc]
        found = [(name, inc) for name, inc in now.items() if before.get(name) != inc]
        self.reachable = now
        for link in self.links_by_peer.values():
            self._aim(link)
        self.receiver.routes_changed()
        for name, incarnation in lost:
            self.receiver.peer_down(name, incarnation)
        for name, incarnation in found:
            self.receiver.peer_up(name, incarnation, "member")
        self.tell()

    def _aim(self, link: SimulatedLink) -> None:
        """Note whether messages to the peer go straight over the link."""
        peer = link.peer
        straight = not self.is_link(peer) or (
            self.reachable.get(peer.name) == peer.incarnation
            and link.usable
            and not self.cuts.loses(peer.name, "out")
        )
        if link.closed or not straight:
            if self.direct.get(peer.name) is link:
                del self.direct[peer.name]
                self.receiver.routes_changed()
        elif self.direct.get(peer.name) is not link:
            self.direct[peer.name] = link
            self.receiver.routes_changed()

    # Silence -------------------------------------------------------------------------------------

    def fell_silent(self, link: SimulatedLink) -> None:
        """Nothing can come over a link from now on: notice that when it has lasted."""
        if link.silent_since is None and not link.closed:
            link.silent_since = self.place.scheduler.now
            self._watch(link, link.silent_since)

    def still_silent(self, link: SimulatedLink) -> None:
        """A link counts anew though nothing can come yet: notice that when it has lasted again."""
        if link.silent_since is not None:
            link.silent_since = None
            self.fell_silent(link)

    def _watch(self, link: SimulatedLink, since: float) -> None:
        # The beat that does not come was due within a quarter of the time.
        wait = self.detect_after * (1.0 + 0.25 * self.network.chance())
        self.place.loop.call_at(since + wait, self._notice, link, link.silent_since)

    def _notice(self, link: SimulatedLink, since: float | None) -> None:
        if link.closed or link.silent_since is None or link.silent_since != since:
            return
        if self.place.resumed_at > link.silent_since:
            # This node stood still itself: the silence of others says nothing until it has lasted.
            link.silent_since = self.place.resumed_at
            self._watch(link, link.silent_since)
            return
        link.hears = False
        self.link_changed(link)
        if not self.cuts.loses(link.peer.name, "out"):
            link.say(BEAT[False])

    def sounds_again(self, link: SimulatedLink) -> None:
        """Something can come again: the next sign of life does."""
        if link.silent_since is None:
            return
        link.silent_since = None
        if not link.hears:
            link.hears = True
            self.link_changed(link)
            if not link.closed and not self.cuts.loses(link.peer.name, "out"):
                link.say(BEAT[True])
