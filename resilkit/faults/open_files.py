"""Open files: a node runs out of file descriptors."""

from __future__ import annotations

from resilkit.faults.answers import Pressure
from resilkit.faults.base import ResourceFault
from resilkit.faults.fields import Count, Seconds, Share
from resilkit.faults.registry import register_fault

__all__ = ["OpenFiles"]


@register_fault("open_files")
class OpenFiles(ResourceFault):
    """Uses up the files and sockets that a node may have open, to a share of its limit.

    With a share of 1 nothing can be opened any more: no file, no socket, no new link.

    Where the whole machine runs out of files first (``ENFILE``), what was opened is closed at once,
    and the fault could not be delivered: bystanders would suffer from it.

    Applies to: nodes.
    Healing: the descriptors are closed, and the number after it is reported.
    Deterministic: targets, moments and, given the limit, the number of descriptors.

    Args:
        share: The share of the limit to reach, from 0 to 1, with what the node already has open.
        limit: The limit; ``None`` for the one in force (RLIMIT_NOFILE). A lower one is set for
            as long as the fault lasts, which spares the machine from opening very many.
        ramp: Seconds over which the pressure rises evenly, as a part of `duration`; 0: as fast as
            it can without holding up the node.

    Examples:
        >>> OpenFiles(1.0, limit=256, duration=5.0)
        OpenFiles(share=1.0, limit=256, duration=5.0)
    """

    share: Share
    limit: Count | None = None
    ramp: Seconds = 0.0

    def pressure(self) -> Pressure:
        """Hold file descriptors."""
        return Pressure(kind="open_files", share=self.share, limit=self.limit, ramp=self.ramp)
