"""Messages that go over other nodes: sent on their way, passed on, taken at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resilkit.network.cuts import Cuts
    from resilkit.network.handshake import Hello
    from resilkit.network.link import Link
    from resilkit.network.membership import Membership
    from resilkit.runtime.ports import Receiver

__all__ = ["Entry", "Forwarder"]

Message = tuple[Any, ...]
Entry = tuple[str, int, str, int, int, Message]
"""(origin, its incarnation, target, its incarnation, hops that are left, message)"""
_MOST_HOPS: Final = 64


class Forwarder:
    """Carries messages to nodes that are no neighbours, and those of others on their way.

    An entry names the incarnation of its target: what was sent to one that is gone meanwhile is
    lost, and never reaches the next one of that name.

    Args:
        own: Who this end is.
        links: The links by the peer's name; it may change.
        cuts: From whom this node is cut.
        membership: Knows the ways.
        receiver: Who gets what ends here.
    """

    def __init__(
        self,
        own: Hello,
        links: Mapping[str, Link],
        cuts: Cuts,
        membership: Membership,
        receiver: Receiver,
    ) -> None:
        self._own = own
        self._links = links
        self._cuts = cuts
        self._membership = membership
        self._receiver = receiver

    def send(self, target: str, message: Message) -> bool:
        """Send a message of this node's on its way; ``False`` when no way leads to `target`."""
        incarnation = self._membership.reachable.get(target)
        if incarnation is None:
            return False
        if self._cuts.loses(target, "out"):
            self._links[self._membership.ways[target]].counters.drops += 1
            return True
        own = self._own
        return self._pass((own.name, own.incarnation, target, incarnation, _MOST_HOPS, message))

    def take(self, link: Link, entries: list[Entry]) -> None:
        """Deliver what is for this node, and pass the rest on."""
        here: dict[tuple[str, int], list[Message]] = {}
        for source, incarnation, target, theirs, hops, message in entries:
            if target != self._own.name:
                if hops > 0:
                    self._pass((source, incarnation, target, theirs, hops - 1, message))
            elif theirs == self._own.incarnation:
                here.setdefault((source, incarnation), []).append(message)
            else:
                link.counters.drops += 1
        for (source, incarnation), batch in here.items():
            if self._cuts.loses(source, "in") or not self._membership.known(source, incarnation):
                link.counters.drops += len(batch)
            else:
                self._receiver.deliver(source, incarnation, batch)

    def _pass(self, entry: Entry) -> bool:
        way = self._membership.ways.get(entry[2])
        link = None if way is None else self._links.get(way)
        if link is None:
            return False
        if self._cuts.loses(link.peer.name, "out"):
            link.counters.drops += 1
            return True
        return link.forward(entry)
