"""Hold: messages wait on the link, and all arrive when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.faults.answers import MessageView
from resilkit.faults.base import LinkFault
from resilkit.faults.fields import Share
from resilkit.faults.registry import register_fault

if TYPE_CHECKING:
    from random import Random

    from resilkit.network.verdicts import Verdict

__all__ = ["Hold"]


@register_fault("hold")
class Hold(LinkFault):
    """Keeps messages on a link until it heals; then all of them go at once, in order.

    Nothing is lost and nobody is told: the nodes still give each other signs of life, so the link
    counts as up, while a call over it waits for its answer or its timeout. Of a call that timed out
    the request arrives all the same when the hold is over, and the server does the work. (A
    partition loses what is sent, and is noticed.) What the nodes agree on waits as well, such as
    the name of a server that starts.

    A link keeps 200,000 messages at most; further ones are lost, as in a full router. What is kept
    is lost, too, when the link is cut, or a node at its end is killed. With a `probability` below 1
    each message has that chance of being kept, and what is sent after it waits behind it.

    Applies to: the target links, or those of the target nodes, both ways; the order between two
    nodes stays. Messages that were under way before still arrive.
    Healing: what was kept goes at once, in the order in which it was sent; later messages pass.
    Deterministic: everything is kept and nothing is drawn, but with a `probability`: then which
    messages are, given the seed and the order of the messages.

    Args:
        fraction: The share of the links that are touched, at least one; 0 for none.

    Examples:
        >>> Hold(targets="n1<->n2", at=2.0, duration=5.0)
        Hold(at=2.0, duration=5.0, targets='n1<->n2')
    """

    inert_at_zero = ("fraction",)

    fraction: Share = 1.0

    def verdict(self, message: MessageView, rng: Random) -> Verdict:
        """Keep the message until the fault is healed."""
        from resilkit.network.verdicts import HOLD

        return HOLD
