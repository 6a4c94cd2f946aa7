"""What the injections do to one node together: cut links, faults on them, rules, clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.errors import Refused
from resilkit.runtime.rules import CrashRule
from resilkit.runtime.server import unknown_method
from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.skew import SkewedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from resilkit.errors import InvalidArgument
    from resilkit.runtime import Node
    from resilkit.runtime.skew import Deviation

__all__ = ["Standing", "unheard_of"]


class Standing:
    """The faults that stand on one node now.

    A node starts with those of its boot record. That may be older than the last injection, so the
    notebook tells it all of them again when it reaches it: `become` does what is missing.

    Args:
        node: The node.
        transport: Its transport.
    """

    def __init__(self, node: Node, transport: Any) -> None:
        self._node = node
        self._transport = transport
        # Ordered, as the sets below would not be: what is taken back first must not be chance.
        self._installed: dict[str, None] = {}
        self._cuts: dict[str, str] = {}
        self._armed: dict[tuple[str, str], None] = {}
        self._skewed: dict[str, None] = {}

    def become(
        self, state: dict[str, Any], find: Callable[[str], ServerProcess] | None = None
    ) -> None:
        """Take on the state that `FaultBook.for_node` made; what is in force stays untouched.

        Args:
            state: Cuts, faults on links, rules, and how far the clocks are off.
            find: Returns the server of a name, or raises `Refused`; ``None`` before any runs.
        """
        cuts = state["cuts"]
        self.mend([peer for peer, way in self._cuts.items() if cuts.get(peer) != way])
        for peer, way in cuts.items():
            if peer not in self._cuts:
                self.cut([peer], way)
        for fault_id in _gone(self._installed, state["links"]):
            self.remove(fault_id)
        for fault_id, fault, peers in state["links"]:
            if fault_id not in self._installed:
                self.install(fault_id, fault, peers)
        for fault_id in _gone((each[0] for each in self._armed), state["rules"]):
            self.disarm(fault_id)
        for fault_id, server, options in state["rules"]:
            if (fault_id, server) not in self._armed:
                self.arm(fault_id, server, options, _found(find, server))
        for fault_id in _gone(self._skewed, state["skews"]):
            self.skew(fault_id, None)
        for fault_id, deviation in state["skews"]:
            if fault_id not in self._skewed:
                self.skew(fault_id, deviation, read=find is not None)

    def install(self, fault_id: str, fault: Any, peers: list[str] | None) -> None:
        """Put a fault on the links to `peers` (``None``: all)."""
        self._installed[fault_id] = None
        self._transport.install(fault_id, fault, peers)

    def remove(self, fault_id: str) -> int:
        """Take a fault off the links; return how many messages it touched. Unknown is no error."""
        self._installed.pop(fault_id, None)
        touched: int = self._transport.remove(fault_id)
        return touched

    def cut(self, peers: Iterable[str], direction: str) -> None:
        """Cut the links to `peers`."""
        self._cuts.update(dict.fromkeys(peers, direction))
        self._transport.cut(peers, direction)

    def mend(self, peers: Iterable[str]) -> None:
        """Mend the links to `peers`."""
        for peer in peers:
            self._cuts.pop(peer, None)
        self._transport.mend(peers)

    def arm(
        self, fault_id: str, server: str, options: dict[str, Any], process: ServerProcess | None
    ) -> None:
        """Let a fault end `process` when messages come, and each that follows it as `server`."""
        node = self._node
        # One stream for all of them: each with the same draws would end at the same message.
        chance = node.stream("fault", fault_id, server)

        def struck() -> None:
            pid = str(node.names.whereis(server) or "")
            node.emit(
                "fault", "struck", server, id=fault_id, reason=str(options["reason"]), pid=pid
            )

        def make() -> CrashRule:
            return CrashRule(fault_id, chance, struck=struck, **options)

        if process is not None:
            process.rules = [*(process.rules or []), make()]
        node.server_rules.setdefault(server, {})[fault_id] = make
        self._armed[fault_id, server] = None

    def disarm(self, fault_id: str) -> None:
        """Take a fault off every server of this node."""
        self._armed = {each: None for each in self._armed if each[0] != fault_id}
        for makers in self._node.server_rules.values():
            makers.pop(fault_id, None)
        for process in self._node.processes.values():
            if isinstance(process, ServerProcess) and process.rules:
                left = [rule for rule in process.rules if rule.fault_id != fault_id]
                process.rules = left or None

    def skew(self, fault_id: str, deviation: Deviation | None, *, read: bool = True) -> None:
        """Put the clocks that servers read off by what a fault wants; ``None``: by no more of it.

        `read` tells whether any may have read them.
        """
        node = self._node
        if deviation is None:
            self._skewed.pop(fault_id, None)
            if isinstance(node.server_clock, SkewedClock):
                node.server_clock.take(fault_id)
            return
        if not isinstance(node.server_clock, SkewedClock):
            # For good: when all is healed, it may still have to lose time.
            node.server_clock = SkewedClock(node.server_clock, read=read)
        self._skewed[fault_id] = None
        node.server_clock.put(fault_id, deviation)


def unheard_of(process: ServerProcess, method: str | None) -> InvalidArgument | None:
    """Return the error where no message for `method` can ever come: a typo would wait for ever."""
    known = method is None or method in type(process.server).handlers()
    return None if known else unknown_method(process.server, str(method))


def _gone(before: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    """Return, in order, the faults that no row names any more."""
    now = {row[0] for row in rows}
    return [each for each in dict.fromkeys(before) if each not in now]


def _found(find: Callable[[str], ServerProcess] | None, server: str) -> ServerProcess | None:
    try:
        return None if find is None else find(server)
    except Refused:
        return None  # it gets the rule when it starts
