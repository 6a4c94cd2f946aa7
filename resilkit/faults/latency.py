"""Latency: messages take longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.errors import InvalidArgument
from resilkit.faults.answers import MessageView
from resilkit.faults.base import LinkFault
from resilkit.faults.fields import ScaledSeconds, Share
from resilkit.faults.registry import register_fault

if TYPE_CHECKING:
    from random import Random

    from resilkit.network.verdicts import Verdict

__all__ = ["Latency"]


@register_fault("latency")
class Latency(LinkFault):
    """Delays every message on a link by a random time between two bounds.

    Each time between them is as likely as any other.

    Applies to: the target links, or those of the target nodes, both ways; the order between two
    nodes stays.
    Healing: later messages go undelayed; those under way still arrive after their delay.
    Deterministic: the delays, given the seed and the order of the messages.

    Args:
        low: The least delay in seconds.
        high: The greatest delay in seconds; the same as `low` for a constant one.
        fraction: The share of the links that are touched, at least one; 0 for none.

    Examples:
        >>> Latency(0.02, 0.2, fraction=0.3, duration=5.0)
        Latency(low=0.02, high=0.2, fraction=0.3, duration=5.0)
    """

    inert_at_zero = ("fraction",)

    low: ScaledSeconds
    high: ScaledSeconds
    fraction: Share = 1.0

    def validate(self) -> None:
        """Check that `low` is not above `high`."""
        if self.low > self.high:
            raise InvalidArgument(
                "is above high", path="low", value=self.low, allowed=f"0 to {self.high:g} seconds"
            )

    def verdict(self, message: MessageView, rng: Random) -> Verdict:
        """Deliver after a drawn delay."""
        from resilkit.network.verdicts import Deliver

        return Deliver(after=rng.uniform(self.low, self.high))
