"""Memory: a node has to hold memory that it does not need."""

from __future__ import annotations

from resilkit.faults.answers import Pressure
from resilkit.faults.base import ResourceFault
from resilkit.faults.fields import Bytes, Seconds, Share
from resilkit.faults.registry import register_fault

__all__ = ["Memory"]


@register_fault("memory")
class Memory(ResourceFault):
    """Fills the memory of a node up to a share of its limit.

    The pages are written to, so they count; what the node already uses is part of the share.
    8 MiB below the limit stay free whatever the share, also at 1: the node's own runtime must
    live to give the memory back. It stops earlier when the machine has less than 512 MiB left, and
    then has fallen short of what was asked: see `ResourceFault`.

    Applies to: nodes.
    Healing: the memory is given back, and the resident size after it is reported.
    Deterministic: targets and moments, given the seed; the size as far as the system lets it.

    Args:
        share: The share of the limit to reach, from 0 to 1.
        limit_bytes: The limit. ``None`` for the node's own (`Limits.memory_bytes`); a node that
            has none gets one of 1 GiB above what it uses (of half of what the machine has left,
            if that is less), for as long as the fault lasts, so that nobody else on the machine
            suffers. One that the node is past already is raised to 8 MiB above what it uses. The
            limit is enforced by the system: what the
            node's servers ask for beyond it fails with `MemoryError`.
        ramp: Seconds over which the pressure rises evenly, as a part of `duration`; 0: as fast as
            it can without holding up the node.

    Examples:
        >>> Memory(0.9, ramp=2.0, at=5.0, duration=20.0)
        Memory(share=0.9, ramp=2.0, at=5.0, duration=20.0)
    """

    share: Share
    limit_bytes: Bytes | None = None
    ramp: Seconds = 0.0

    def pressure(self) -> Pressure:
        """Hold memory."""
        return Pressure(kind="memory", share=self.share, limit=self.limit_bytes, ramp=self.ramp)
