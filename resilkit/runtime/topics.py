"""Topics: publish to whoever subscribed, on every node that can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.runtime.kinds import INTEREST, PUBLISH
from resilkit.runtime.messages import Published
from resilkit.telemetry.patterns import check_name, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.runtime.node import Node
    from resilkit.runtime.process import Process

__all__ = ["Topics"]


class Topics:
    """One node's subscriptions.

    A publication goes once to every node that can be reached; each hands it to its own
    subscribers, so that subscribing costs no agreement. Clients are sent only what they asked for.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._subscribers: dict[str, dict[Process, None]] = {}
        self._matchers: dict[str, Callable[[str], bool]] = {}
        self._clients: dict[str, list[Callable[[str], bool]]] = {}

    def subscribe(self, process: Process, pattern: str) -> None:
        """Deliver what is published to topics that match `pattern`; twice is once."""
        if pattern not in self._matchers:
            self._matchers[pattern] = compile_pattern(pattern)
        self._subscribers.setdefault(pattern, {})[process] = None
        self._interest_changed()

    def unsubscribe(self, process: Process, pattern: str) -> None:
        """Undo `subscribe`."""
        subscribers = self._subscribers.get(pattern)
        if subscribers is not None:
            subscribers.pop(process, None)
            if not subscribers:
                del self._subscribers[pattern]
                del self._matchers[pattern]
        self._interest_changed()

    def publish(self, topic: str, payload: Any) -> None:
        """Send `payload` to the subscribers on every node that can be reached.

        Raises:
            InvalidArgument: `topic` is no topic; a pattern is none.
        """
        check_name(topic, path="topic")
        node = self._node
        message = (PUBLISH, topic, payload)
        for peer in node.transport.peers():
            node.transport.send(peer, message)
        for client, matchers in self._clients.items():
            if any(matches(topic) for matches in matchers):
                node.transport.send(client, message)
        self.deliver(topic, payload)

    def deliver(self, topic: str, payload: Any) -> None:
        """Hand a publication to the subscribers on this node, each once."""
        seen: dict[Process, None] = {}
        for pattern, subscribers in self._subscribers.items():
            if self._matchers[pattern](topic):
                seen.update(subscribers)
        for process in seen:
            process.info(Published(topic, payload))

    def drop(self, process: Process) -> None:
        """Forget a process that ended."""
        for pattern in [p for p, held in self._subscribers.items() if process in held]:
            self.unsubscribe(process, pattern)

    def client_interest(self, client: str, patterns: list[str]) -> None:
        """Note what a client wants; an empty list is nothing."""
        if patterns:
            self._clients[client] = [compile_pattern(pattern) for pattern in patterns]
        else:
            self._clients.pop(client, None)

    def peer_down(self, name: str) -> None:
        """Forget a client that went away."""
        self._clients.pop(name, None)

    def tell_interest(self, peer: str) -> None:
        """Tell one member what this client wants: it has just been reached."""
        if self._node.role == "client" and self._subscribers:
            self._node.transport.send(peer, (INTEREST, list(self._subscribers)))

    def _interest_changed(self) -> None:
        if self._node.role == "client":
            for peer in self._node.transport.peers():
                self._node.transport.send(peer, (INTEREST, list(self._subscribers)))
