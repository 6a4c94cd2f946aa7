"""Node pause: a node's process stands still, and does not know it."""

from __future__ import annotations

from collections.abc import Sequence

from resilkit.faults.answers import Signal
from resilkit.faults.base import NodeFault
from resilkit.faults.registry import register_fault

__all__ = ["NodePause"]


@register_fault("node_pause")
class NodePause(NodeFault):
    """Freezes nodes (SIGSTOP), as a long garbage collection or a machine that hangs does.

    Its sockets stay open, so that the others notice only by its silence. When it goes on, its
    timers are late and what was sent meanwhile arrives at once.

    Applies to: nodes.
    Healing: the nodes go on (SIGCONT).
    Deterministic: moments and targets, given the seed.

    Examples:
        >>> NodePause(at=1.0, duration=3.0)
        NodePause(at=1.0, duration=3.0)
    """

    def actions(self, targets: Sequence[str]) -> list[Signal]:
        """Pause each target; the undo resumes it."""
        return [Signal(node, "pause") for node in targets]
