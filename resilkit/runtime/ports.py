"""What a node is handed from outside: a transport, a disk, a clock and an event loop.

The runtime knows no other transport, no other disk and no other clock. That is what lets one server
run on real processes and on a simulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from resilkit.runtime.storage import Storage

__all__ = ["Disk", "LinkFull", "NullTransport", "Receiver", "Transport"]

Message = tuple[Any, ...]


class LinkFull(Exception):
    """Why a message was lost: its receiver does not read as fast as it is sent to."""


class Transport(Protocol):
    """Carries messages to other nodes."""

    def send(self, node: str, message: Message) -> bool:
        """Send in order; return ``False`` when `node` cannot be reached now. Never blocks."""
        ...

    def straight(self, node: str) -> Callable[[Message], bool] | None:
        """Return what takes messages for `node` as `send` does, without looking for the way.

        It is good until `Receiver.routes_changed` is called. ``None`` where there is none: `send`
        may get through all the same.
        """
        ...

    def peers(self) -> Mapping[str, int]:
        """Return the members that can be reached now, without this one, with their incarnations."""
        ...

    def members(self) -> Collection[str]:
        """Return the names of all nodes of the cluster, reachable or not, this one included."""
        ...


class Receiver(Protocol):
    """What a transport calls on the node that it serves."""

    def deliver(self, source: str, incarnation: int, messages: list[Message]) -> None:
        """Take the messages of one frame, in the order in which `source` sent them."""
        ...

    def routes_changed(self) -> None:
        """Learn that what `Transport.straight` returned is good no longer."""
        ...

    def peer_up(self, name: str, incarnation: int, role: str) -> None:
        """Learn that `name` can be reached; `role` is ``"member"`` or ``"client"``.

        Of a client also when it may have missed what it is told once: there was no room.
        """
        ...

    def peer_down(self, name: str, incarnation: int) -> None:
        """Learn that `name` cannot be reached any more."""
        ...

    def on_unsendable(self, node: str, message: Message, error: BaseException) -> None:
        """Learn that one message could not be pickled, or is lost (`LinkFull`); the others went."""
        ...

    def on_undecodable(self, source: str, error: BaseException, rest: Message = ()) -> None:
        """Learn that something of `source` is lost: it could not be read.

        Args:
            source: Who sent it.
            error: Why.
            rest: What could be read of the one message; empty when a whole frame is lost.
        """
        ...

    def emit(self, kind: str, event: str, target: str = "", **detail: Any) -> None:
        """Tell the event stream what happened on the way."""
        ...


class Disk(Protocol):
    """Where the servers of one node have their durable storage."""

    def open(self, name: str, *, scope: str, owner: str) -> Storage:
        """Open the storage of the server called `name`, made if it is new.

        Args:
            name: The server's name.
            scope: Its name's scope: of one name, each scope may have a server here.
            owner: Who opens it, for the error of another who wants to.

        Raises:
            StorageError: It cannot be opened, or is open in another storage.
        """
        ...


class NullTransport:
    """The transport of a node that is alone.

    Examples:
        >>> NullTransport("n1").send("n2", (1,))
        False
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def send(self, node: str, message: Message) -> bool:  # noqa: ARG002 - the Protocol's names
        """Return ``False``: there is nobody."""
        return False

    def straight(self, node: str) -> None:
        """Return ``None``: there is no way."""

    def peers(self) -> Mapping[str, int]:
        """Return an empty mapping."""
        return {}

    def members(self) -> Collection[str]:
        """Return this node's name alone."""
        return (self._name,)
