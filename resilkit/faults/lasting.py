"""How long the harm of one strike lasts by itself."""

from __future__ import annotations

from resilkit.faults.answers import ServerRule
from resilkit.faults.base import Fault, NodeFault, ServerFault

__all__ = ["lasts"]


def lasts(fault: Fault) -> float | None:
    """Return after how many seconds a strike of `fault` heals by itself, ``None`` for never.

    That is its `duration`, but for a crash of a server that waits for no message, which is over
    at once, and for nodes that come back by themselves.

    Examples:
        >>> from resilkit.faults import Latency, NodeCrash, ServerCrash
        >>> lasts(Latency(0.0, 0.1, duration=5.0)), lasts(Latency(0.0, 0.1))
        (5.0, None)
        >>> lasts(NodeCrash(restart_after=2.0)), lasts(ServerCrash(duration=5.0))
        (2.0, 0.0)
    """
    if isinstance(fault, ServerFault):
        rule = fault.rule()
        return 0.0 if isinstance(rule, ServerRule) and rule.at_once else fault.duration
    if isinstance(fault, NodeFault):
        back = _undone_after(fault)
        timed = [after for after in back if after is not None]
        if timed and len(timed) == len(back):
            return max(timed)
    return fault.duration


def _undone_after(fault: NodeFault) -> list[float | None]:
    """Return when its signals are undone, whichever node it hits."""
    try:
        signals = fault.actions(("",))
    except Exception:  # noqa: BLE001 - a fault of one's own that asks who its targets are
        return []
    return [each.undo_after for each in signals if each.undo]
