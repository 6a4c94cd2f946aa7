"""CPU: somebody else burns the processor that a node needs."""

from __future__ import annotations

from resilkit.faults.answers import Pressure
from resilkit.faults.base import ResourceFault
from resilkit.faults.fields import ScaledCount, Seconds, Share
from resilkit.faults.registry import register_fault

__all__ = ["CPU"]


@register_fault("cpu")
class CPU(ResourceFault):
    """Keeps processor cores busy, so that a node gets less of them.

    The burners, processes of their own, compete with the node as a busy neighbour does; the node's
    own event loop is not blocked by them. The processor time that they got is measured, over the
    half second after the ramp (or the last half second of `duration`, if that is over first): it is
    less than asked for where others want the cores too. That is remarked on, but a core that others
    had was as busy as was asked: only as far as cores were idle meanwhile (under a container's
    quota of processor time, say) the burners fell short, and below 3/4 no run passes. What they got
    in less than 0.2 s cannot be measured, and is remarked on as unknown.

    Applies to: nodes; on one machine, every node that shares the cores feels it.
    Healing: the burners end, and that they have is confirmed.
    Deterministic: targets and moments, given the seed; what the burners get is the system's choice.

    Args:
        share: The share of a core that each burner burns, from 0 to 1: of each tenth of a second.
        workers: How many burners; each can take one core.
        ramp: Seconds over which the share rises evenly, as a part of `duration`; 0 for at once.

    Examples:
        >>> CPU(0.8, workers=2, duration=10.0)
        CPU(share=0.8, workers=2, duration=10.0)
    """

    share: Share = 1.0
    workers: ScaledCount = 1
    ramp: Seconds = 0.0

    def pressure(self) -> Pressure:
        """Burn processor time."""
        return Pressure(kind="cpu", share=self.share, workers=self.workers, ramp=self.ramp)
