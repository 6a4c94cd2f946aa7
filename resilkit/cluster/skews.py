"""Whose clocks faults have put off, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.runtime.skew import Deviation

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["Skews"]


class Skews:
    """The skewed clocks of one cluster.

    A node that restarts meanwhile has the same clock, which has drifted on: it is a machine's, not
    a process's. So it gets the skew in its boot record, with the time from which it drifts.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._all: dict[str, dict[str, Deviation]] = {}

    async def put(self, fault_id: str, node: str, offset: float, drift: float) -> None:
        """Put the clocks of a node off from now on.

        Args:
            fault_id: Whose skew it is.
            node: The node.
            offset: Seconds by which its clocks are to be ahead.
            drift: Seconds that they are to gain a second.

        Raises:
            ResilkitError: The node is there and does not take it.
        """
        session = self._session
        since = session.clock.now() + session.offsets.get(node, 0.0)
        deviation = Deviation(offset, drift, since)
        self._all.setdefault(fault_id, {})[node] = deviation
        await session.faults.tell(node, "skew", fault_id, deviation, raises=True)
        session.refresh_boot(node)

    async def take(self, fault_id: str, node: str) -> None:
        """Put the clocks of a node right again, as far as one fault has put them off."""
        skewed = self._all.get(fault_id, {})
        if skewed.pop(node, None) is None:
            return
        if not skewed:
            del self._all[fault_id]
        session = self._session
        session.refresh_boot(node)
        telling = session.faults.tell(node, "skew", fault_id, None, timeout=None)
        await session.faults.patience.wait([(node, "skew", telling)])

    def for_node(self, name: str) -> list[tuple[str, Deviation]]:
        """Return by what the clocks of a node are off, with whose doing each is."""
        return [(fault_id, nodes[name]) for fault_id, nodes in self._all.items() if name in nodes]

    def leave(self, name: str) -> None:
        """Forget a node that is there no more."""
        for nodes in self._all.values():
            nodes.pop(name, None)
