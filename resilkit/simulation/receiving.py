"""What one simulated node does with what arrives: messages, and what the links say themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.network.codec import Packed
from resilkit.runtime.reference import binding
from resilkit.simulation.link import LOST, Adopted, Beat, State
from resilkit.simulation.reaching import Reaching

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.network.forwarding import Entry, Forwarder
    from resilkit.network.handshake import Hello
    from resilkit.runtime.reference import Reference
    from resilkit.simulation.link import SimulatedLink

__all__ = ["Receiving"]

Message = tuple[Any, ...]

_PLAIN = frozenset({int, float, bool, str, bytes, type(None)})


class Receiving(Reaching):
    """The part of `SimulatedTransport` that takes what arrives."""

    _bind: Callable[[Any, float | None], Reference] | None
    _closed: bool
    _forwarder: Forwarder

    def adopt(self, link: SimulatedLink) -> None:
        """Take a new connection into use."""
        raise NotImplementedError

    def lose(self, link: SimulatedLink) -> None:
        """Let go of a connection that has ended."""
        raise NotImplementedError

    def _is_unknown(self, peer: Hello) -> bool:
        """Whether a member does not count as up: what one that is down had sent is not for us."""
        return (
            self.member
            and peer.role == "member"
            and self.reachable.get(peer.name) != peer.incarnation
        )

    def take(self, link: SimulatedLink, message: Message) -> None:
        """Take a message that came over a link."""
        peer = link.peer
        if self.cuts.active and self.cuts.loses(peer.name, "in"):
            return
        if (
            self.member
            and peer.role == "member"
            and self.reachable.get(peer.name) != peer.incarnation
        ):
            link.counters.drops += 1
            return
        if self._bind is not None and (message[0] != 3 or type(message[2]) not in _PLAIN):
            # Their references become this end's: pickled, as on a socket.
            self.take_packed(link, Packed(message))
            return
        if self.network.recorder is not None:
            self.network.record(peer.name, self.name, message)
        self.receiver.deliver(peer.name, peer.incarnation, [message])

    def take_packed(self, link: SimulatedLink, sent: Packed) -> None:
        """Take a message that holds something that can be changed: the receiver's own copy."""
        peer = link.peer
        message = self._unpacked(peer.name, sent)
        if message is None or (self.cuts.active and self.cuts.loses(peer.name, "in")):
            return
        if (
            self.member
            and peer.role == "member"
            and self.reachable.get(peer.name) != peer.incarnation
        ):
            link.counters.drops += 1
            return
        if self.network.recorder is not None:
            self.network.record(peer.name, self.name, message)
        self.receiver.deliver(peer.name, peer.incarnation, [message])

    def _unpacked(self, source: str, sent: Packed) -> Any:
        if self._bind is not None:
            binding.make = self._bind
        try:
            return sent.unpacked()
        except BaseException as error:  # noqa: BLE001 - it arrives unreadable; even of a sys.exit
            rest = getattr(error, "rest", None)
            self.receiver.on_undecodable(source, error, rest if isinstance(rest, tuple) else ())
            return None
        finally:
            if self._bind is not None:
                del binding.make

    def take_forwarded(self, link: SimulatedLink, entry: Entry) -> None:
        """Take what another node has passed on: deliver it, or pass it on."""
        source, incarnation, target = entry[:3]
        if self.cuts.active and self.cuts.loses(link.peer.name, "in"):
            return
        if target == self.name:
            if not self.known(source, incarnation):
                # What its links say travels ahead of what it sends, on the same way.
                self.network.refresh_now(self)
            message = entry[-1]
            if isinstance(message, Packed):
                message = self._unpacked(source, message)
                if message is None:
                    return
                entry = (*entry[:-1], message)
            self.network.record(source, self.name, message)
        self._forwarder.take(link, [entry])  # type: ignore[arg-type]

    def _answered(self, link: SimulatedLink, sent: Adopted) -> None:
        """The connection that this end has asked for is made."""
        peer = link.peer
        if self.coming.get(peer.name) is link:
            del self.coming[peer.name]
        link.far_usable = sent.usable
        self.adopt(link)
        if not self.is_link(peer):
            return
        self.network.hearing_changed(link)
        if link.usable != sent.taken and not self.cuts.silent(peer.name):
            link.say(State(usable=link.usable, want=False))

    def hear(self, link: SimulatedLink, sent: Any) -> None:
        """Take in what is no message."""
        if sent is LOST:
            self.lose(link)
            return
        if sent.__class__ is Adopted:
            self._answered(link, sent)
            return
        if self.cuts.active and self.cuts.loses(link.peer.name, "in"):
            return
        if sent.__class__ is State:
            link.far_usable = sent.usable
            link.confirmed = True
            if sent.want:
                self.link_changed(link)
                link.say(State(usable=link.usable, want=False))
                self.look(link)
                return
        elif sent.__class__ is Beat:
            link.confirmed = True
            link.hears_us = sent.hears
        self.link_changed(link)
        self.look(link)
