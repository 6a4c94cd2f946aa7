"""The standing latency of a cluster's links, as the fault that every link has from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.network.verdicts import Deliver

if TYPE_CHECKING:
    from random import Random

    from resilkit.cluster.latency import LinkLatency
    from resilkit.faults import MessageView
    from resilkit.network.verdicts import Verdict

__all__ = ["BaseLatency"]


class BaseLatency:
    """Delays every message by what `LinkLatency` draws."""

    needs_size = False

    def __init__(self, latency: LinkLatency) -> None:
        self.latency = latency

    def decide(self, message: MessageView, rng: Random) -> Verdict:
        """Deliver after the drawn time, in order."""
        del message
        return Deliver(after=self.latency.sample(rng))
