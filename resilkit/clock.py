"""The only place that reads a clock.

Every duration in resilkit is a float in seconds. Times that cross processes are `monotonic`
readings of the process that took them; the reader corrects them by an estimated offset.
"""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock", "monotonic", "processor", "wall"]

monotonic = time.monotonic
"""Seconds of a clock that never goes back; the zero is arbitrary."""

processor = time.process_time
"""Seconds that processors have worked for this process: none pass while it is stopped."""

wall = time.time
"""Seconds since 1970-01-01 UTC. Only for display and manifests: it can jump."""


class Clock(Protocol):
    """What a node asks for the time: the system's clock, or a simulated one."""

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    def wall(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The machine's own clock.

    Examples:
        >>> clock = SystemClock()
        >>> clock.now() <= clock.now()
        True
    """

    __slots__ = ()

    # The C functions themselves: every turn of a server reads the clock twice.
    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
