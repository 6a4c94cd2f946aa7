"""Bandwidth: a link carries only so many bytes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from resilkit.faults.answers import MessageView
from resilkit.faults.base import LinkFault
from resilkit.faults.fields import Share, Unit
from resilkit.faults.registry import register_fault

if TYPE_CHECKING:
    from random import Random

    from resilkit.network.verdicts import Verdict

__all__ = ["Bandwidth"]

BytesPerSecond = Annotated[float, Unit("bytes/s", low=1.0, high=1e12, scaling="down")]


@register_fault("bandwidth")
class Bandwidth(LinkFault):
    """Limits how many bytes a second a link carries.

    Messages cross one after the other, each in its size over the bandwidth.

    Applies to: the target links, or those of the target nodes, each direction with a bandwidth
    of its own.
    Healing: later messages go undelayed; those under way still arrive after their delay.
    Deterministic: the delays, given the sizes of the messages; nothing is drawn.

    Args:
        bytes_per_second: How many bytes a second one direction of a link carries.
        fraction: The share of the links that are touched, at least one; 0 for none.

    Examples:
        >>> Bandwidth(64_000, targets="n2")
        Bandwidth(bytes_per_second=64000.0, targets='n2')
    """

    inert_at_zero = ("fraction",)

    needs_size: ClassVar[bool] = True

    bytes_per_second: BytesPerSecond
    fraction: Share = 1.0

    def verdict(self, message: MessageView, rng: Random) -> Verdict:
        """Deliver when the message has had the time to cross."""
        from resilkit.network.verdicts import Deliver

        return Deliver(after=message.size_bytes / self.bytes_per_second, queued=True)
