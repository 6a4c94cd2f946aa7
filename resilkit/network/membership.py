"""From link states to who is reached: what the receiver is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from resilkit.network.routing import LinkState, Routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.network.handshake import Hello
    from resilkit.runtime.ports import Receiver

__all__ = ["Membership"]


class Membership:
    """Keeps the routes, floods link states, and tells the receiver who came and went.

    Args:
        own: Who this end is.
        receiver: Who is told.
        flood: Sends bytes to every neighbour but one.
        changed: Called when others are reached than before, ahead of the receiver.
        parted: Whether a cut keeps this end from a node, given its name and the neighbour that
            would lead there.
    """

    def __init__(
        self,
        own: Hello,
        receiver: Receiver,
        flood: Callable[[bytes, str | None], None],
        changed: Callable[[], None],
        parted: Callable[[str, str], bool],
    ) -> None:
        self._own = own
        self._receiver = receiver
        self._flood = flood
        self._changed = changed
        self._parted = parted
        self._routes = Routes(own.name, own.incarnation)
        self.ways: dict[str, str] = {}
        self.reachable: dict[str, int] = {}

    # A member's side -----------------------------------------------------------------------------

    def set_neighbours(self, neighbours: list[Hello]) -> None:
        """Note which own links are up."""
        state = self._routes.set_neighbours([(peer.name, peer.incarnation) for peer in neighbours])
        if state is not None:
            self._flood(_encode([state], want=False), None)
            self.recompute()

    def forget_before(self, peer: Hello) -> None:
        """Drop what earlier incarnations of `peer` said: it is connected anew."""
        self._routes.forget_before(peer.name, peer.incarnation)

    def learn(self, body: bytes, source: str) -> tuple[bool, bytes | None]:
        """Take in states that a neighbour sent.

        Returns:
            Whether its own is among them, and an answer if it asked for one.
        """
        states, want = _decode(body)
        news = [state for state in states if self._routes.learn(state)]
        if news:
            self._flood(_encode(news, want=False), source)
            self.recompute()
        own = any(state.node == source for state in states)
        return own, self.everything(want=False) if want else None

    def everything(self, *, want: bool) -> bytes:
        """Return all states that are known here, for a neighbour that has just been reached."""
        return _encode(list(self._routes.states.values()), want=want)

    def known(self, name: str, incarnation: int) -> bool:
        """Whether a member counts as up: what one that is down had still sent is not for us.

        States travel ahead of the messages that they make possible, on the same connections, so
        this never turns away the first messages of one that has just come up.
        """
        return self.reachable.get(name) == incarnation

    def recompute(self) -> None:
        """Work out anew who is reached, and tell of those who came and went.

        The ways lead to everybody, since others' messages go along them. Who is cut from this end
        counts as down here though others may reach it: a partition means the pair.
        """
        self.ways = self._routes.compute()
        now = {
            name: self._routes.incarnation(name)
            for name, way in self.ways.items()
            if not self._parted(name, way)
        }
        before = self.reachable
        lost = [(name, inc) for name, inc in before.items() if now.get(name) != inc]
        found = [(name, inc) for name, inc in now.items() if before.get(name) != inc]
        # Told after the table is right: the receiver may send at once.
        self.reachable = now
        self._changed()
        for name, incarnation in lost:
            self._receiver.peer_down(name, incarnation)
        for name, incarnation in found:
            self._receiver.peer_up(name, incarnation, "member")

    # Between a client and a member ---------------------------------------------------------------

    def client_up(self, peer: Hello) -> None:
        """Tell of a connection between a client and a member: it is no link, it just is."""
        if peer.role == "member":
            held = self.reachable.get(peer.name)
            if held is not None and held != peer.incarnation:
                self._receiver.peer_down(peer.name, held)
            self.reachable[peer.name] = peer.incarnation
        self._changed()
        self._receiver.peer_up(peer.name, peer.incarnation, peer.role)

    def client_down(self, peer: Hello) -> None:
        """Tell of its end."""
        if self.reachable.get(peer.name) == peer.incarnation and self._own.role == "client":
            del self.reachable[peer.name]
        self._changed()
        self._receiver.peer_down(peer.name, peer.incarnation)


def _encode(states: list[LinkState], *, want: bool) -> bytes:
    rows = [[s.node, s.incarnation, s.sequence, list(s.neighbours)] for s in states]
    return json.dumps([want, rows]).encode()


def _decode(body: bytes) -> tuple[list[LinkState], bool]:
    want, rows = json.loads(body)
    states = [
        LinkState(node, inc, seq, tuple((name, number) for name, number in peers))
        for node, inc, seq, peers in rows
    ]
    return states, bool(want)
