"""Reorder: messages overtake each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.faults.answers import MessageView
from resilkit.faults.base import LinkFault
from resilkit.faults.fields import ScaledSeconds, Share
from resilkit.faults.registry import register_fault

if TYPE_CHECKING:
    from random import Random

    from resilkit.network.verdicts import Verdict

__all__ = ["Reorder"]


@register_fault("reorder")
class Reorder(LinkFault):
    """Holds a share of the messages on a link back, so that later ones overtake them.

    This breaks the order that two processes may otherwise rely on, as a network without
    connections does.

    Applies to: the target links, or those of the target nodes, both ways.
    Healing: later messages keep their order; those held back still arrive.
    Deterministic: who is held back and for how long, given the seed and the order of the messages.

    Args:
        share: The share of the messages that are held back, from 0 to 1.
        window: The longest time in seconds that a message is held back; the time is drawn evenly.
        fraction: The share of the links that are touched, at least one; 0 for none.

    Examples:
        >>> Reorder(0.2, window=0.05)
        Reorder(share=0.2, window=0.05)
    """

    inert_at_zero = ("share", "fraction")

    share: Share
    window: ScaledSeconds = 0.1
    fraction: Share = 1.0

    def verdict(self, message: MessageView, rng: Random) -> Verdict:
        """Deliver the message out of order, or let it pass."""
        from resilkit.network.verdicts import PASS, Deliver

        if rng.random() >= self.share:
            return PASS
        return Deliver(after=rng.uniform(0.0, self.window), reorder=True)
