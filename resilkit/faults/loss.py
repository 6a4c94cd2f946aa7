"""Loss: messages get lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.faults.answers import MessageView
from resilkit.faults.base import LinkFault
from resilkit.faults.fields import Share
from resilkit.faults.registry import register_fault

if TYPE_CHECKING:
    from random import Random

    from resilkit.network.verdicts import Verdict

__all__ = ["Loss"]


@register_fault("loss")
class Loss(LinkFault):
    """Drops a share of the messages on a link, chosen at random.

    Each message has a draw of its own. Nobody is told: a call whose message or reply is dropped
    ends in its timeout. The links themselves stay up; it is resilkit's own messages that are
    dropped, not packets of TCP.

    Applies to: the target links, or those of the target nodes, both ways.
    Healing: later messages pass; what was dropped stays lost.
    Deterministic: which messages are dropped, given the seed and the order of the messages.

    Args:
        share: The share of the messages that get lost, from 0 to 1.
        fraction: The share of the links that are touched, at least one; 0 for none.

    Examples:
        >>> Loss(0.05, targets="n1", duration=5.0)
        Loss(share=0.05, duration=5.0, targets='n1')
    """

    inert_at_zero = ("share", "fraction")

    share: Share
    fraction: Share = 1.0

    def verdict(self, message: MessageView, rng: Random) -> Verdict:
        """Drop the message, or let it pass."""
        from resilkit.network.verdicts import PASS, Drop

        return Drop() if rng.random() < self.share else PASS
