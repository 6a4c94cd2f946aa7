"""Duplicate: messages arrive twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.faults.answers import MessageView
from resilkit.faults.base import LinkFault
from resilkit.faults.fields import Share
from resilkit.faults.registry import register_fault

if TYPE_CHECKING:
    from random import Random

    from resilkit.network.verdicts import Verdict

__all__ = ["Duplicate"]


@register_fault("duplicate")
class Duplicate(LinkFault):
    """Delivers a share of the messages on a link twice.

    A server then handles the same call or cast twice, as it would after a retry by the sender;
    a second reply finds nobody waiting and is dropped.

    Applies to: the target links, or those of the target nodes, both ways.
    Healing: later messages arrive once.
    Deterministic: which messages are duplicated, given the seed and the order of the messages.

    Args:
        share: The share of the messages that are duplicated, from 0 to 1.
        fraction: The share of the links that are touched, at least one; 0 for none.

    Examples:
        >>> Duplicate(0.1)
        Duplicate(share=0.1)
    """

    inert_at_zero = ("share", "fraction")

    share: Share
    fraction: Share = 1.0

    def verdict(self, message: MessageView, rng: Random) -> Verdict:
        """Deliver the message twice, or let it pass."""
        from resilkit.network import verdicts

        return verdicts.Duplicate(copies=1) if rng.random() < self.share else verdicts.PASS
