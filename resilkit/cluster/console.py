"""The notebook's own process on its cluster's loop: it takes the nodes' streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.runtime.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.cluster.session import Session
    from resilkit.runtime.ports import Message

__all__ = ["Console"]

_SLACK = 2.0
"""Seconds that an alert of a stall may come after it."""


class Console(Process):
    """Puts what the nodes stream into the event log and the metric store, on one clock."""

    __slots__ = ("listeners", "receiver", "session")

    def __init__(self, session: Session) -> None:
        super().__init__(session.node, session.node.new_number())
        self.session = session
        self.receiver = _Receiver(session)
        self.listeners: list[Callable[[str, list[tuple[Any, ...]]], None]] = []

    def run(self) -> None:
        """Take what waits."""
        self.scheduled = False
        while self.mailbox:
            message = self.mailbox.popleft()[2]
            if isinstance(message, tuple) and message[0] == "stream":
                _, node, rows = message
                self._take(node, rows)

    def _take(self, node: str, rows: list[tuple[Any, ...]]) -> None:
        session = self.session
        offset = session.offsets.get(node, 0.0)
        for row in rows:
            if row[0] == "event":
                _, time, kind, event, target, detail = row
                if event == "fault_failed":
                    session.faults.failed(node, **detail)
                if event == "stalled":
                    if self._was_paused(node, time - offset, detail["seconds"]):
                        continue  # no wonder, and told already
                    began = time - offset - detail["seconds"] - _SLACK
                    if why := session.faults.slow_nodes.why(node, began, time - offset):
                        detail = {**detail, "why": why}
                session.events.append(
                    time - offset, kind, event, node=node, target=target, detail=detail
                )
                session.faults.casualties.saw(node, time - offset, row[2:])
                if kind == "supervision" and (supervisor := detail.get("supervisor")):
                    session.supervising.add(supervisor)
            elif row[0] == "ended":
                _, key, wanted, incarnation = row
                session.application_ended(node, key, incarnation, wanted=wanted)
            elif row[0] == "trace":
                session.traces.take(node, row)
            elif row[0] == "sample":
                self._sample(node, row[1] - offset, *row[2:])
        for listener in self.listeners:
            listener(node, rows)

    def _was_paused(self, node: str, until: float, seconds: float) -> bool:
        """Whether a node was told to pause in the time for which its loop stood still."""
        state = self.session.nodes.get(node)
        return state is not None and state.resumed >= until - seconds - _SLACK

    def _sample(
        self,
        node: str,
        time: float,
        values: dict[str, float],
        servers: list[tuple[str, int, int, int, float]],
        links: list[tuple[str, int, int | None, int]],
    ) -> None:
        append = self.session.metrics.append
        for metric, value in values.items():
            append(metric, time, node, "", value)
        append("servers", time, node, "", len(servers))
        for server, queue, high, messages, service in servers:
            append("queue_length", time, node, server, queue)
            append("queue_high_water", time, node, server, high)
            append("messages", time, node, server, messages)
            append("service_time", time, node, server, service)
        for peer, messages, size_bytes, drops in links:
            link = f"{node}->{peer}"
            append("link_messages", time, node, link, messages)
            if size_bytes is not None:  # in a simulation nothing is made into bytes
                append("link_bytes", time, node, link, size_bytes)
            append("link_drops", time, node, link, drops)
        if self.session.metrics.watched:
            seen = [row[0] for row in servers] + [f"{node}->{row[0]}" for row in links]
            self.session.alerts.sampled(node, time, seen)


class _Receiver:
    """Stands between the transport and the node, to notice nodes that begin to answer."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.deliver: Callable[[str, int, list[Message]], None] = session.node.deliver
        self.routes_changed: Callable[[], None] = session.node.routes_changed
        self.on_unsendable: Callable[[str, Message, BaseException], None] = (
            session.node.on_unsendable
        )
        self.on_undecodable: Callable[..., None] = session.node.on_undecodable
        self.emit: Callable[..., None] = session.node.emit

    def peer_up(self, name: str, incarnation: int, role: str) -> None:
        """Pass it on, and attach to the node."""
        self._session.node.peer_up(name, incarnation, role)
        if name in self._session.nodes:
            self._session.reached(name)

    def peer_down(self, name: str, incarnation: int) -> None:
        """Pass it on; if the node has ended, nothing more comes of its traces."""
        session = self._session
        session.node.peer_down(name, incarnation)
        node = session.nodes.get(name)
        if node is None or node.pid is None or node.incarnation != incarnation:
            session.traces.lost(name, session.clock.now())
