"""Clock skew: a node's clocks are off, and may run too fast or too slow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from resilkit import validate
from resilkit.faults.answers import Skew
from resilkit.faults.base import NodeFault
from resilkit.faults.fields import Unit
from resilkit.faults.registry import register_fault

__all__ = ["ClockSkew"]

Offset = Annotated[
    float,
    Unit("s", low=-validate.LONGEST_DURATION, high=validate.LONGEST_DURATION, scaling="up"),
]
Drift = Annotated[float, Unit("s/s", low=-0.9, high=10.0, scaling="up")]


@register_fault("clock_skew")
class ClockSkew(NodeFault):
    """Puts the time that servers read off, by an offset and a drift.

    `Server.wall` is off by just that, so it jumps when the fault goes in and when it heals: ahead
    or back. `Server.now` jumps ahead with it, and never goes back: where it would have to, it runs
    at half its speed until it has lost as much. Several skews of one node add up.

    Timers, timeouts and supervisors go by the true time, and so does all that resilkit measures:
    samples, events and response times are not skewed. ``time.time()`` and its like are the
    machine's, which nobody skews here: servers that are to suffer ask ``self.now()`` and
    ``self.wall()``.

    Applies to: nodes, all servers on them. A node that starts again has the same clocks, which
    have drifted on.
    Healing: the wall clock is right at once; `Server.now` as soon as it can be without going back.
    Deterministic: by how much the clocks are off, at each moment since the injection.

    Args:
        offset: Seconds by which the clocks are ahead at once; negative for behind.
        drift: Seconds that they gain each second after that, from -0.9 to 10; negative for lose.

    Examples:
        >>> ClockSkew(-30.0, targets="n2", duration=10.0)
        ClockSkew(offset=-30.0, duration=10.0, targets='n2')
        >>> ClockSkew(0.0, drift=0.05)
        ClockSkew(offset=0.0, drift=0.05)
    """

    offset: Offset
    drift: Drift = 0.0

    @property
    def harmless(self) -> bool:
        """Whether it does nothing, whomever it hits: it has neither an offset nor a drift."""
        return self.offset == 0.0 and self.drift == 0.0

    def actions(self, targets: Sequence[str]) -> list[Skew]:
        """Skew the clocks of each target."""
        return [Skew(node, self.offset, self.drift) for node in targets]
