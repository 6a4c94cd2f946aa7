"""Slow node: a node that does everything so many times slower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from resilkit.faults.answers import Slowdown
from resilkit.faults.base import NodeFault
from resilkit.faults.fields import Unit
from resilkit.faults.registry import register_fault

__all__ = ["SlowNode"]

Factor = Annotated[float, Unit("", low=1.0, high=1000.0, low_open=True, scaling="factor")]


@register_fault("slow_node")
class SlowNode(NodeFault):
    """Makes nodes do everything so many times slower, as a machine that is worn out or overbooked.

    The node still answers, which is what makes it worse than one that is down: nobody takes it
    for lost, and who waits for it waits long. Its process is stopped and let go on in turns of a
    few milliseconds (SIGSTOP and SIGCONT): it runs for 2 ms and stands for `factor` - 1 times as
    long, on average. What it would have done within one turn may so be as fast as ever, or wait
    for the next; timers go by the true time, and come late. Several such faults multiply.

    Alerts of its stalls name the fault.

    Applies to: nodes, all servers on them. A node that starts again is slow again.
    Healing: the node is as fast as before, unless it is paused; the outcome tells how many times
    slower it really was.
    Deterministic: moments and targets, given the seed; on real processes not the turns.

    Args:
        factor: How many times slower, above 1 and at most 1,000.

    Examples:
        >>> SlowNode(20.0, targets="n2", duration=10.0)
        SlowNode(factor=20.0, duration=10.0, targets='n2')
    """

    factor: Factor = 10.0

    def actions(self, targets: Sequence[str]) -> list[Slowdown]:
        """Slow each target down."""
        return [Slowdown(node, self.factor) for node in targets]
